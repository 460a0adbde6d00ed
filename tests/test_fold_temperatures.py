"""Temperatures of nets without a validation part, from what their sisters say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tf_keras
from quiet import QUIET_TENSORFLOW
from tiny_nets import TINY_FACE, keep, tiny_face

from device.errors import AffectdError
from device.models.card import read_card
from device.models.tflite import TfliteModel
from quantize.conversion.fold_temperatures import FoldModel, calibrate
from quantize.conversion.release import release
from quantize.datasets import FER2013, Dataset, Split
from quantize.evaluation.evaluate import outputs
from quantize.evaluation.temperature import fit_temperature

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]


def published(name: str, sharpness: float, faces: Path, folder: Path) -> FoldModel:
    """A net whose last layer is made surer or less sure, converted."""
    net, recipe = tiny_face(tf_keras), replace(TINY_FACE, id=name)
    last = net.get_layer("answer")
    last.set_weights([sharpness * weight for weight in last.get_weights()])
    run = keep(folder / f"run-{name}", net, name)
    sister = FoldModel(recipe, run / f"{name}-float32.tflite", folder / f"{name}.tflite")
    convert(sister, faces)
    return sister


def convert(sister: FoldModel, faces: Path) -> None:
    """Publish what stands in the sister's run folder."""
    run, folder = sister.float32.parent, sister.int8.parent
    pins = folder / f"{sister.recipe.id}.pins"
    release(sister.recipe, lambda data: data.split(faces), trained=run, run=run, calibration_path=pins, folder=folder)


def needed(sister: FoldModel, faces: Path) -> float:
    """The temperature that fits a net's own test part best, which is what it lends the others."""
    samples = FER2013.split(faces).test
    model = TfliteModel(read_card(sister.float32.with_suffix(".json")), sister.float32.parent)
    return fit_temperature(outputs(model, TINY_FACE.front_end, samples)[:, 0], samples.labels)


def test_each_net_gets_the_temperature_that_the_other_one_needs(faces: Path, tmp_path: Path) -> None:
    def load(dataset: Dataset) -> Split:
        return dataset.split(faces)

    sisters = [published("sure", 20.0, faces, tmp_path), published("unsure", 1.0, faces, tmp_path)]
    fitted = calibrate(sisters, load)
    assert fitted["unsure"].value == pytest.approx(needed(sisters[0], faces))
    assert fitted["sure"].value == pytest.approx(needed(sisters[1], faces))
    card = read_card(tmp_path / "unsure.json")
    assert card.served.temperature == fitted["unsure"].value
    assert card.about["commands"][-1] == "python -m quantize calibrate sure unsure --root DATA"
    report = card.about["metrics"]["int8"]["fer2013"]
    assert report["served"]["temperature"] == fitted["unsure"].value
    assert report["test"]["samples"] == 28
    assert np.isfinite(report["test"]["calibration_error"])

    before = card
    convert(sisters[1], faces)
    card = read_card(tmp_path / "unsure.json")
    assert card == before  # what was fitted is the net's, whatever file is made of it

    keep(sisters[1].float32.parent, tiny_face(tf_keras), "unsure", loss=1.7)
    convert(sisters[1], faces)
    card = read_card(tmp_path / "unsure.json")
    assert card.served.temperature == 1  # of another net nothing is known yet
    assert "temperatures" not in card.about


def test_a_net_alone_has_nobody_to_learn_from() -> None:
    with pytest.raises(AffectdError, match="name two nets at least"):
        calibrate([FoldModel(TINY_FACE, Path("a"), Path("b"))], lambda _: pytest.fail("nothing is to be loaded"))
