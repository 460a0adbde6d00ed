"""The workshop from end to end on made-up corpora: small enough to run in seconds, whole enough to break."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from quiet import QUIET_TENSORFLOW
from synthetic import voices

from device.errors import AffectdError, ModelError
from device.features.hum import TAKEN_OUT
from device.models.card import read_card
from device.models.tflite import TfliteModel
from quantize.__main__ import main
from quantize.conversion import convert
from quantize.conversion.graph import read_graph
from quantize.conversion.release import release
from quantize.datasets import FER2013, Split
from quantize.evaluation.evaluate import evaluate
from quantize.files import write_file
from quantize.inputs.preprocess import preprocess_for_training
from quantize.recipes.face import BASELINE_FACE
from quantize.recipes.registry import find_recipe
from quantize.recipes.speech import BASELINE_SPEECH
from quantize.training import checkpoints
from quantize.training.architectures import affectd_face
from quantize.training.batches import PerSampleAugment, epoch_order
from quantize.training.checkpoints import Epoch, Training
from quantize.training.train import train

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]


@pytest.fixture(scope="module")
def trained(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one epoch of the face net, made by the command line."""
    run = tmp_path_factory.mktemp("runs") / "face"
    assert main(["train", "baseline-face", "--root", str(faces), "--run", str(run), "--epochs", "1"]) == 0
    return run


@pytest.fixture(scope="module")
def converted(trained: Path, faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the int8 file and its card, made by the command line."""
    out = tmp_path_factory.mktemp("models")
    made = ["--run", str(trained), "--out", str(out), "--calibration", str(out / "pinned.json")]
    assert main(["convert", "baseline-face", "--root", str(faces), *made]) == 0
    return out


def test_a_face_net_goes_from_corpus_to_int8_file_to_figures(converted: Path, faces: Path, tmp_path: Path) -> None:
    card = read_card(converted / "baseline-face.json")
    assert card.about["parameters"] == 246_503
    assert card.about["metrics"]["int8"]["fer2013"]["test"]["samples"] == 28
    assert card.about["metrics"]["int8"]["fer2013"]["clean"]["samples"] == 27
    figures = tmp_path / "figures.json"
    scored = ["--model", str(converted / "baseline-face.tflite"), "--dataset", "fer2013", "--json", str(figures)]
    assert main(["evaluate", *scored, "--root", str(faces.parent)]) == 0
    assert json.loads(figures.read_text()) == card.about["metrics"]["int8"]["fer2013"] | {"sound": TAKEN_OUT}


def test_a_conversion_repeats_to_the_byte(trained: Path, tmp_path: Path) -> None:
    noise = list(np.random.default_rng(1).random((8, 48, 48, 1), dtype=np.float32))
    for name in ("a", "b"):
        convert.to_int8(checkpoints.load_net(trained), noise, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_speech_net_goes_from_voices_to_an_int8_file_that_agrees_with_its_float_form(tmp_path: Path) -> None:
    split = voices(each=2)
    recipe = replace(BASELINE_SPEECH, plan=PerSampleAugment(BASELINE_SPEECH.front_end, batch_size=14, oversample=True))
    train(recipe, preprocess_for_training(recipe.front_end, split), tmp_path / "run", seed=1, epochs=1)
    run, pins = tmp_path / "run", tmp_path / "pinned.json"
    release(recipe, lambda _: split, trained=run, run=run, calibration_path=pins, folder=tmp_path)
    graph = read_graph((tmp_path / "baseline-speech.tflite").read_bytes(), "speech")
    assert graph.is_integer
    assert graph.operators.count("UNIDIRECTIONAL_SEQUENCE_LSTM") == 2
    clip = recipe.front_end.preprocess(split.test.signals[0])
    served = recipe.front_end.served(clip)
    paths = (tmp_path / "baseline-speech.json", tmp_path / "run" / "baseline-speech-float32.json")
    int8, float32 = (TfliteModel(read_card(path), path.parent)(served)[0] for path in paths)
    np.testing.assert_allclose(int8, float32, atol=0.05)


def test_training_goes_on_where_it_was_stopped(faces: Path, tmp_path: Path) -> None:
    split = FER2013.split(faces)
    first = train(BASELINE_FACE, split, tmp_path, seed=3, epochs=1)
    second = train(BASELINE_FACE, split, tmp_path, seed=3, epochs=2)
    assert second.epochs[:1] == first.epochs
    assert [epoch.number for epoch in second.epochs] == [1, 2]


def test_ctrl_c_in_an_epoch_keeps_the_last_checkpoint(trained: Path, faces: Path) -> None:
    before = {path.name: path.read_bytes() for path in trained.glob("*.keras")}
    pressed = iter([False] * 5)

    def varied(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
        if next(pressed, True):
            raise KeyboardInterrupt
        return BASELINE_FACE.front_end.varied(image, rng)

    front_end = replace(BASELINE_FACE.front_end, varied=varied)
    recipe = replace(BASELINE_FACE, plan=PerSampleAugment(front_end, batch_size=64, oversample=False))
    with pytest.raises(KeyboardInterrupt):
        train(recipe, FER2013.split(faces), trained, seed=1, epochs=2)
    assert {path.name: path.read_bytes() for path in trained.glob("*.keras")} == before
    assert len(checkpoints.require_state(trained).epochs) == 1


def test_a_run_of_another_net_or_seed_is_not_mixed_into(trained: Path, faces: Path) -> None:
    split = FER2013.split(faces)
    with pytest.raises(AffectdError, match="holds a training of baseline-face with seed 1"):
        train(BASELINE_FACE, split, trained, seed=2, epochs=2)
    with pytest.raises(AffectdError, match="holds a training of baseline-face"):
        train(BASELINE_SPEECH, split, trained, seed=1, epochs=2)


def test_a_run_of_a_net_that_has_changed_since_is_not_gone_on_with(trained: Path, faces: Path) -> None:
    other = replace(BASELINE_FACE, architecture=affectd_face)
    with pytest.raises(AffectdError, match="holds a training of another net than affectd_face is now"):
        train(other, FER2013.split(faces), trained, seed=1, epochs=2)


def test_a_class_without_samples_is_named(faces: Path, tmp_path: Path) -> None:
    split = FER2013.split(faces)
    no_fear = replace(split, train=split.train.where(split.train.labels != 2))
    with pytest.raises(AffectdError, match="no sample of: fear"):
        train(BASELINE_FACE, no_fear, tmp_path, seed=1, epochs=1)


def test_a_loss_that_is_no_number_ends_the_training(faces: Path, tmp_path: Path) -> None:
    # Not by inputs that are no numbers: oneDNN's ReLU takes them for 0.
    broken = replace(BASELINE_FACE, loss=lambda _, answers: np.nan * answers[:, 0])
    with pytest.raises(AffectdError, match="epoch 1: the loss is nan"):
        train(broken, FER2013.split(faces), tmp_path, seed=1, epochs=1)


def test_converting_what_was_never_trained_says_what_to_do(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", "baseline-face", "--root", str(faces), "--run", str(tmp_path / "none")]) == 1
    assert "no training has been made there; run `python -m quantize train` first" in capsys.readouterr().err


def test_a_float_net_does_not_pass_for_int8(trained: Path, tmp_path: Path) -> None:
    convert.to_float(checkpoints.load_net(trained), tmp_path / "float.tflite")
    graph = read_graph((tmp_path / "float.tflite").read_bytes(), "float.tflite")
    assert not graph.is_integer
    assert "FLOAT32" in graph.tensor_types


def test_a_model_for_other_features_is_not_scored(faces: Path, tmp_path: Path, converted: Path) -> None:
    shutil.copytree(converted, tmp_path, dirs_exist_ok=True)
    card = tmp_path / "baseline-face.json"
    card.write_text(card.read_text().replace("face48/1", "face64/9"))
    with pytest.raises(ModelError, match="made for features 'face64/9'"):
        evaluate(tmp_path / "baseline-face.tflite", FER2013, FER2013.split(faces))


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(AffectdError, match=r"figures\.json: cannot be written \(No such file or directory\)"):
        write_file(tmp_path / "nowhere" / "figures.json", b"{}")


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "result.keras").write_bytes(b"half a check")
    with pytest.raises(AffectdError, match=r"result\.keras: no checkpoint can be read there"):
        checkpoints.load_net(tmp_path)


def test_the_best_epoch_is_the_one_with_the_best_accuracy_and_of_equal_ones_the_lowest_loss() -> None:
    training = Training("a net", 1, keeps_best=True)
    for number, (loss, accuracy) in enumerate([(1.5, 0.4), (1.2, 0.6), (1.1, 0.6), (1.0, 0.5)], start=1):
        training = training.after(Epoch(number, 2.0, loss, accuracy))
    assert training.chosen.number == 3
    assert training.epochs_since_chosen == 1


def test_oversampling_shows_each_class_as_often_as_the_commonest() -> None:
    labels = np.array([0] * 50 + [1] * 20 + [2] * 5)
    order = epoch_order(labels, np.random.default_rng(1), oversample=True)
    assert list(np.bincount(labels[order])) == [50, 50, 50]
    assert set(order) == set(range(75))


def test_without_oversampling_each_example_is_shown_once() -> None:
    order = epoch_order(np.array([0] * 50 + [1] * 20), np.random.default_rng(1), oversample=False)
    assert sorted(order) == list(range(70))


def test_an_unknown_net_is_answered_with_the_known_ones() -> None:
    with pytest.raises(AffectdError, match=r"'base'; there are baseline-face, .*, baseline-speech"):
        find_recipe("base")


@pytest.fixture(scope="module")
def two_voices() -> Split:
    return voices(each=1)


def test_a_clip_without_a_voice_is_left_out(two_voices: Split) -> None:
    silence = np.zeros(16_000, dtype=np.int16)
    signals = [silence, *two_voices.train.signals[1:]]
    split = replace(two_voices, train=replace(two_voices.train, signals=signals))
    prepared = preprocess_for_training(BASELINE_SPEECH.front_end, split)
    assert list(prepared.train.names) == list(two_voices.train.names[1:])
    assert all(len(signal) < len(clip) for signal, clip in zip(prepared.train.signals, signals[1:], strict=True))
