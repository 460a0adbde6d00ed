"""The nets that ship are kept as they were trained, so that a clean copy of the project can measure them again."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tf_keras
from made_up_studies import write
from quiet import QUIET_TENSORFLOW
from tiny_nets import TINY_FACE, keep, tiny_face

from device.errors import AffectdError
from device.models.card import read_card
from quantize.__main__ import main
from quantize.recipes.face import BASELINE_FACE
from quantize.report.training import trainings_of
from quantize.studies.registry import studies
from quantize.studies.study import StudyState
from quantize.training import checkpoints
from quantize.training.checkpoints import RESULT, TRAINING_STATE, Epoch, Training
from quantize.training.shipped import CHECKPOINTS_FOLDER, RUNS_FOLDER, folder_of
from quantize.training.shipped import keep as keep_net

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]

MODELS = Path(__file__).resolve().parents[1] / "models_tflite"
KEPT = CHECKPOINTS_FOLDER / "baseline-face"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty copy of the project: what is kept and what is trained lies below it."""
    monkeypatch.chdir(tmp_path)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def trained(run: Path) -> Path:
    """A net with an optimizer that has learnt, as a training leaves it."""
    net = BASELINE_FACE.architecture(tf_keras)
    net.compile(optimizer=BASELINE_FACE.optimizer(tf_keras), loss=BASELINE_FACE.loss)
    net.train_on_batch(np.random.default_rng(1).random((7, 48, 48, 1), dtype=np.float32), np.arange(7))
    return keep(run, net, BASELINE_FACE.id)


def command(name: str, faces: Path, *more: str) -> int:
    return main([name, "baseline-face", "--root", str(faces), *more])


def test_a_conversion_for_shipping_keeps_the_net_exactly_and_small(faces: Path) -> None:
    run = trained(RUNS_FOLDER / "baseline-face")
    assert command("convert", faces, "--calibration", "pins.json") == 0
    assert set(files(KEPT)) == {RESULT, TRAINING_STATE}
    assert checkpoints.read_state(KEPT) == checkpoints.read_state(run)
    before, kept = checkpoints.load_net(run), checkpoints.load_net(KEPT)
    for own, found in zip(before.get_weights(), kept.get_weights(), strict=True):
        np.testing.assert_array_equal(found, own)
    assert [layer.name for layer in kept.layers] == [layer.name for layer in before.layers]
    assert (KEPT / RESULT).stat().st_size < 0.4 * (run / RESULT).stat().st_size


def test_what_is_converted_to_elsewhere_is_not_kept(faces: Path) -> None:
    trained(RUNS_FOLDER / "baseline-face")
    assert command("convert", faces, "--calibration", "pins.json", "--out", "elsewhere") == 0
    assert not CHECKPOINTS_FOLDER.exists()


def test_without_a_training_the_kept_net_gives_the_same_files_and_stays_as_it_is(faces: Path) -> None:
    sums = []
    keep_net(BASELINE_FACE, trained(RUNS_FOLDER / "baseline-face"))
    before = files(CHECKPOINTS_FOLDER)
    for _ in ("with the training", "without it"):
        assert command("formats", faces, "--calibration", "pins.json", "--json", "formats.json") == 0
        sums.append([form["sha256"] for form in json.loads(Path("formats.json").read_text())["forms"]])
        shutil.rmtree(RUNS_FOLDER, ignore_errors=True)
    assert command("convert", faces, "--calibration", "pins.json") == 0
    assert main(["export", "baseline-face", "--out", "exported"]) == 0
    assert sums[0] == sums[1]
    assert files(CHECKPOINTS_FOLDER) == before


def test_a_training_goes_into_its_run_and_from_then_on_before_what_is_kept(faces: Path) -> None:
    keep_net(BASELINE_FACE, trained(Path("former")))
    before = files(CHECKPOINTS_FOLDER)
    assert folder_of(BASELINE_FACE) == KEPT
    assert command("train", faces, "--epochs", "1") == 0
    assert folder_of(BASELINE_FACE) == folder_of(BASELINE_FACE, TRAINING_STATE) == RUNS_FOLDER / "baseline-face"
    assert files(CHECKPOINTS_FOLDER) == before


def test_of_what_a_net_grew_from_only_the_history_is_kept() -> None:
    grown = replace(TINY_FACE, id="grown", initial_from=TINY_FACE)
    keep(RUNS_FOLDER / TINY_FACE.id, tiny_face(tf_keras), TINY_FACE.id)
    keep_net(grown, keep(RUNS_FOLDER / grown.id, tiny_face(tf_keras), grown.id))
    assert set(files(CHECKPOINTS_FOLDER)) == {
        f"grown/{RESULT}",
        f"grown/{TRAINING_STATE}",
        f"tiny-face/{TRAINING_STATE}",
    }
    shutil.rmtree(RUNS_FOLDER)
    assert checkpoints.require_state(folder_of(TINY_FACE, TRAINING_STATE)).recipe == TINY_FACE.id
    assert folder_of(TINY_FACE) == RUNS_FOLDER / TINY_FACE.id


def test_the_history_is_that_of_the_net_that_lies_beside_the_run(tmp_path: Path) -> None:
    grown = replace(TINY_FACE, id="grown", initial_from=TINY_FACE)
    keep(RUNS_FOLDER / TINY_FACE.id, tiny_face(tf_keras), TINY_FACE.id)
    elsewhere = tmp_path / "elsewhere"
    own = Training(TINY_FACE.id, 1, True, (Epoch(1, 0.123, 1.0, 0.5),))
    checkpoints.save(elsewhere / TINY_FACE.id, {}, own)
    keep_net(grown, keep(elsewhere / grown.id, tiny_face(tf_keras), grown.id))
    assert checkpoints.require_state(CHECKPOINTS_FOLDER / TINY_FACE.id) == own


def test_a_net_whose_origin_is_gone_is_not_kept_by_halves() -> None:
    grown = replace(TINY_FACE, id="grown", initial_from=TINY_FACE)
    run = keep(RUNS_FOLDER / grown.id, tiny_face(tf_keras), grown.id)
    with pytest.raises(AffectdError, match="tiny-face: no training has been made there"):
        keep_net(grown, run)
    assert not CHECKPOINTS_FOLDER.exists()


def test_what_was_never_trained_nor_kept_is_looked_for_where_a_training_puts_it(
    faces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("formats", faces) == 1
    assert "runs/baseline-face: no training has been made there" in capsys.readouterr().err


def test_the_learning_curve_is_that_of_the_net_that_ships_or_none() -> None:
    card = read_card(MODELS / "baseline-face.json")
    assert trainings_of(card) == []
    own = Training(card.id, 1, keeps_best=True, epochs=(Epoch(**card.about["chosen_epoch"]),))
    checkpoints.save(KEPT, {}, own)
    assert trainings_of(card) == [own]
    checkpoints.save(KEPT, {}, replace(own, epochs=(Epoch(1, 0.125, 1.8, 0.2),)))
    assert trainings_of(card) == []


def test_figures_of_another_net_do_not_pass_for_those_of_the_net_that_ships() -> None:
    study = next(study for study in studies(MODELS, Path()) if study.name == "scores-baseline-face-fer2013")
    write(study, Path("measured"))
    other = replace(study.figures(Path("measured")), sha256="0" * 64)
    with pytest.raises(AffectdError, match="another file than the one that ships: see whether runs/baseline-face"):
        study.keep(other, Path("measured"))
    assert study.state(Path("measured")) is StudyState.OLD
