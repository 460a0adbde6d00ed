"""The nets in quantize/checkpoints are those that ship: what is measured of them tells of the files on the Pi."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from quiet import QUIET_TENSORFLOW

from device.models.card import Card
from device.models.sets import list_sets, load_set
from quantize.conversion.export import probes
from quantize.recipes.registry import RECIPES
from quantize.training import checkpoints
from quantize.training.shipped import CHECKPOINTS_FOLDER

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[1]
SETS = [load_set(ROOT / "models_tflite", name) for name in list_sets(ROOT / "models_tflite")]
CARDS = {card.id: card for models in SETS for card in models.models.values()}
each_card = pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)


@each_card
def test_a_net_that_ships_is_kept_with_the_training_that_its_card_tells_of(card: Card) -> None:
    training = checkpoints.require_state(ROOT / CHECKPOINTS_FOLDER / card.id)
    assert training.recipe == card.id
    assert (training.seed, len(training.epochs)) == (card.about["seed"], card.about["epochs"])
    assert asdict(training.chosen) == card.about["chosen_epoch"]


@each_card
def test_what_it_grew_from_is_told_epoch_by_epoch(card: Card) -> None:
    for stage in RECIPES[card.id].lineage:
        assert checkpoints.require_state(ROOT / CHECKPOINTS_FOLDER / stage.id).recipe == stage.id


@each_card
def test_it_has_the_parameters_of_its_card_and_answers_like_its_float_twin(card: Card) -> None:
    net = checkpoints.load_net(ROOT / CHECKPOINTS_FOLDER / card.id)
    assert net.count_params() == card.about["parameters"]
    inputs = probes(net.input_shape[1:])
    twin = onnxruntime.InferenceSession(ROOT / "desktop_server" / "models" / f"{card.id}.onnx")
    (expected,) = twin.run(None, {"input": inputs})
    np.testing.assert_allclose(net(inputs, training=False), expected, atol=1e-4)


def test_nothing_else_is_kept() -> None:
    stages = {stage.id for name in CARDS for stage in RECIPES[name].lineage}
    nets = {f"{name}/{checkpoints.RESULT}" for name in CARDS}
    kept = {
        str(path.relative_to(ROOT / CHECKPOINTS_FOLDER))
        for path in (ROOT / CHECKPOINTS_FOLDER).rglob("*")
        if path.is_file()
    }
    assert kept == nets | {f"{stage}/{checkpoints.TRAINING_STATE}" for stage in stages}
