"""The recipe of affectd-1-face from end to end: soft targets, growing pictures, averaged weights, temperature."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from quiet import QUIET_TENSORFLOW
from synthetic import write_fer2013

from device.errors import AffectdError
from device.models.card import read_card
from quantize.__main__ import main
from quantize.conversion.graph import read_graph
from quantize.datasets import Samples, Split
from quantize.datasets.fer2013_votes import FER2013_VOTES
from quantize.recipes.face import AFFECTD_1_FACE, AFFECTD_1_FACE_SHALLOW
from quantize.training import checkpoints
from quantize.training.batches import BatchStream, ProgressiveResizing, Stage, TrainingBatch
from quantize.training.ema import Interpolate
from quantize.training.train import initial_net, train

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]

STAGES = ("shallow", "deeper", "gated")
"""What the shipped net was before."""

SHORT = replace(
    AFFECTD_1_FACE_SHALLOW,
    finish=AFFECTD_1_FACE.finish[1:],
    plan=ProgressiveResizing(batch_size=13, stages=(Stage(40, 1), Stage(48, 1))),
)
# The recipe's own rate is still warming up after so few steps.
QUICK = replace(SHORT, optimizer=lambda keras: keras.optimizers.SGD(0.03, momentum=0.9, nesterov=True))


def striped_faces(each: int) -> Samples:
    """Noise with waves across it, as many as the class's number and one: neither mirror nor light changes that."""
    labels = np.tile(np.arange(7), each)
    down = np.arange(48)[:, np.newaxis] / 48
    waves = np.sin(2 * np.pi * (labels[:, np.newaxis, np.newaxis] + 1) * down)
    noise = np.random.default_rng(each).normal(0, 0.2, (len(labels), 48, 48))
    images = np.clip(128 + 60 * (waves + noise), 0, 255).astype(np.uint8)
    names = [f"face {each}/{i}" for i in range(len(labels))]
    targets = np.repeat(np.eye(7, dtype=np.float32)[labels][:, np.newaxis], 2, axis=1)
    return Samples(names, list(images), labels, names, targets)


def test_the_recipe_goes_from_corpus_to_a_calibrated_int8_file(tmp_path: Path) -> None:
    faces = write_fer2013(tmp_path / "fer2013", each=10)  # more than one batch of the recipe's 64
    for earlier in (f"affectd-1-face-{stage}" for stage in STAGES):
        assert main(["train", earlier, "--root", str(faces), "--run", str(tmp_path / earlier), "--epochs", "1"]) == 0
    made = ["--root", str(faces), "--run", str(tmp_path / "run")]
    assert main(["train", "affectd-1-face", *made, "--epochs", "1"]) == 0
    out = ["--out", str(tmp_path), "--calibration", str(tmp_path / "pinned.json")]
    assert main(["convert", "affectd-1-face", *made, *out]) == 0
    card = read_card(tmp_path / "affectd-1-face.json")
    assert read_graph((tmp_path / card.file).read_bytes(), card.file).is_integer
    assert card.outputs[0].shape == (1, 2, 7)
    assert card.about["parameters"] == 1_946_622
    trained = [command.split()[4] for command in card.about["commands"] if " train " in command]
    assert trained == [f"affectd-1-face{stage}" for stage in (*(f"-{each}" for each in STAGES), "")]
    assert [answer.name for answer in card.answers] == ["crowd", "fer2013"]
    assert card.served.temperature == card.about["served_by"]["served"]["temperature"] != 1
    assert set(card.about["served_by"]["on"]) == {"fer2013", "ferplus"}
    for form in card.about["metrics"].values():
        assert {report["answer"] for report in form.values()} == {card.about["served_by"]["told"]}
        assert {report["served"]["temperature"] for report in form.values()} == {card.served.temperature}
    assert (tmp_path / "affectd-1-face.tflite").stat().st_size < 2_200_000


def test_a_net_that_grows_from_another_asks_for_that_one_first(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "affectd-1-face", "--root", str(faces), "--run", str(tmp_path / "run")]) != 0
    assert "run `python -m quantize train affectd-1-face-gated` first" in " ".join(capsys.readouterr().err.split())


def test_a_training_cut_short_leaves_no_net_that_lacks_what_comes_last(faces: Path, tmp_path: Path) -> None:
    split = FER2013_VOTES.split(faces)
    assert SHORT.finish
    with pytest.raises(KeyboardInterrupt):
        train(replace(SHORT, plan=lambda whole: _interrupted(SHORT.plan(whole))), split, tmp_path, seed=1, epochs=2)
    assert len(checkpoints.require_state(tmp_path).epochs) == 1
    with pytest.raises(AffectdError, match="no checkpoint can be read"):
        checkpoints.load_net(tmp_path)
    train(SHORT, split, tmp_path, seed=1, epochs=2)
    assert checkpoints.load_net(tmp_path).output_shape == (None, 2, 7)


def test_what_an_earlier_training_gave_is_gone_when_a_longer_one_is_cut_short(faces: Path, tmp_path: Path) -> None:
    split = FER2013_VOTES.split(faces)
    train(SHORT, split, tmp_path / SHORT.id, seed=1, epochs=1)
    checkpoints.load_net(tmp_path / SHORT.id)
    cut_short = replace(SHORT, plan=lambda whole: _interrupted(SHORT.plan(whole)))
    with pytest.raises(KeyboardInterrupt):
        train(cut_short, split, tmp_path / SHORT.id, seed=1, epochs=2)
    with pytest.raises(AffectdError, match="has no whole training of it"):
        initial_net(replace(SHORT, id="another", initial_from=SHORT), tmp_path)


def _interrupted(whole: BatchStream) -> BatchStream:
    """A stream that Ctrl-C is pressed in, in its second epoch."""

    def epoch(number: int, rng: np.random.Generator) -> Iterator[TrainingBatch]:
        if number == 2:
            raise KeyboardInterrupt
        yield from whole.epoch(number, rng)

    return BatchStream(whole.steps, epoch)


def test_half_the_way_back_is_half_of_each_weight(faces: Path, tmp_path: Path) -> None:
    split = FER2013_VOTES.split(faces)
    seed = replace(SHORT, id="seed", finish=())
    train(seed, split, tmp_path / "seed", seed=1, epochs=1)
    on = replace(seed, id="on", initial_from=seed, finish=(Interpolate(0.5),), distillation_weight=0.5)
    train(on, split, tmp_path / "on", seed=1, epochs=1)
    before, after, result = (
        checkpoints.load_net(tmp_path / run, name).get_weights()
        for run, name in (("seed", checkpoints.ANSWERING), ("on", checkpoints.ANSWERING), ("on", checkpoints.RESULT))
    )
    assert any(not np.array_equal(old, new) for old, new in zip(before, after, strict=True))
    for old, new, found in zip(before, after, result, strict=True):
        np.testing.assert_allclose(found, (old + new) / 2, atol=1e-6)
    for found, grown in zip(
        result, initial_net(replace(on, id="a third", initial_from=on), tmp_path).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, grown)  # what grows from it begins there


def test_two_epochs_teach_it_to_tell_simple_faces_apart(tmp_path: Path) -> None:
    split = Split(striped_faces(60), striped_faces(8), striped_faces(1), striped_faces(1), note="made up")
    training = train(QUICK, split, tmp_path, seed=1, epochs=2)
    assert (training.chosen.validation_accuracy or 0) > 0.4


def test_a_training_stopped_at_an_epoch_keeps_its_step_its_mean_and_its_epochs(faces: Path, tmp_path: Path) -> None:
    split = FER2013_VOTES.split(faces)
    first = train(SHORT, split, tmp_path, seed=3, epochs=1)
    second = train(SHORT, split, tmp_path, seed=3, epochs=2)
    assert second.epochs[:1] == first.epochs
    assert int(checkpoints.load_net(tmp_path, checkpoints.LAST).optimizer.iterations) == 4


def test_what_answers_is_the_mean_of_the_weights_at_full_size(faces: Path, tmp_path: Path) -> None:
    train(SHORT, FER2013_VOTES.split(faces), tmp_path, seed=1, epochs=1)
    last, result = (checkpoints.load_net(tmp_path, name) for name in (checkpoints.LAST, checkpoints.RESULT))
    assert (last.input_shape, result.input_shape) == ((None, None, None, 1), (None, 48, 48, 1))
    pairs = list(zip(result.get_weights(), last.get_weights(), strict=True))
    assert all(mean.shape == weight.shape for mean, weight in pairs)
    assert any(not np.array_equal(mean, weight) for mean, weight in pairs)


def test_a_longer_plan_goes_on_from_a_run_of_a_shorter_one_with_its_own_rate(faces: Path, tmp_path: Path) -> None:
    split = FER2013_VOTES.split(faces)
    train(
        replace(SHORT, optimizer=lambda keras: keras.optimizers.SGD(0.0, momentum=0.9)),
        split,
        tmp_path,
        seed=3,
        epochs=1,
    )
    still = checkpoints.load_net(tmp_path, checkpoints.LAST).get_weights()
    train(QUICK, split, tmp_path, seed=3, epochs=2)
    gone_on = checkpoints.load_net(tmp_path, checkpoints.LAST)
    assert int(gone_on.optimizer.iterations) == 4
    assert not np.array_equal(gone_on.get_weights()[0], still[0])


def test_the_result_differs_from_the_net_that_answers_in_the_answer_fitted_anew_alone(
    faces: Path, tmp_path: Path
) -> None:
    split = FER2013_VOTES.split(faces)
    train(SHORT, split, tmp_path, seed=3, epochs=1)
    answering, result = (checkpoints.load_net(tmp_path, name) for name in (checkpoints.ANSWERING, checkpoints.RESULT))
    pictures = np.stack([SHORT.front_end.served(signal) for signal in split.train.signals])
    before, after = answering.predict(pictures, verbose=0), result.predict(pictures, verbose=0)
    np.testing.assert_allclose(after[:, 0], before[:, 0], atol=1e-6)
    own = np.arange(len(pictures)), 1, split.train.labels
    assert np.log(after[own]).mean() > np.log(before[own]).mean() + 0.1
