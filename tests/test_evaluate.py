"""Scoring a shipped file from the command line on corpora that are small, partial or damaged."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import soundfile
from corpora import FACES, VOICES
from perception import MODELS, astronaut, detector
from synthetic import write_ckplus, write_clips, write_fer2013_table, write_pictures, write_ravdess, write_votes

from quantize.__main__ import main
from quantize.inputs.faces import face_in

pytestmark = pytest.mark.slow

FACE, VOICE = MODELS / "baseline-face.tflite", MODELS / "baseline-speech.tflite"


def evaluate(model: Path, name: str, root: Path, *more: str) -> dict[str, Any]:
    out = root / "figures.json"
    command = ["evaluate", "--model", str(model), "--dataset", name, "--root", str(root), "--json", str(out), *more]
    assert main(command) == 0
    figures: dict[str, Any] = json.loads(out.read_text())
    out.unlink()
    return figures


@pytest.fixture
def with_detector() -> None:
    detector()


@pytest.mark.parametrize("name", VOICES)
def test_every_corpus_of_voices_is_scored_over_the_classes_it_has(name: str, tmp_path: Path) -> None:
    figures = evaluate(VOICE, name, write_clips(tmp_path, VOICES[name]))
    test = figures["test"]
    assert test["samples"] == sum(row["samples"] for row in test["classes"].values())
    assert "surprise" in test["classes"] or name in {"crema_d", "emodb", "turev", "rakshak"}
    assert test["uar"]["value"] == pytest.approx(np.mean([row["recall"] for row in test["classes"].values()]))
    assert figures["clean"] == test


@pytest.mark.parametrize("name", FACES)
@pytest.mark.usefixtures("with_detector")
def test_every_corpus_of_faces_is_scored(name: str, tmp_path: Path) -> None:
    figures = evaluate(FACE, name, write_pictures(tmp_path, FACES[name]))
    assert figures["test"]["samples"] == 14
    assert figures["without_reading"] == 0


@pytest.mark.usefixtures("with_detector")
def test_ckplus_is_scored(tmp_path: Path) -> None:
    assert evaluate(FACE, "ckplus", write_ckplus(tmp_path))["test"]["samples"] == 8


def test_ferplus_is_scored(tmp_path: Path) -> None:
    write_votes(write_fer2013_table(tmp_path), ["0,9,0,0,0,0,0,0,1,0"] * 21)
    figures = evaluate(FACE, "ferplus", tmp_path)
    assert (figures["test"]["samples"], figures["clean"]["samples"]) == (7, 6)


def test_a_fold_of_ravdess_is_scored_by_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate", "--model", str(VOICE), "--dataset", "ravdess-f0", "--root", str(write_ravdess(tmp_path))]
    assert main(command) == 1  # the made-up corpus is silent
    assert "ravdess-f0: of 300 test samples the appliance says nothing about any" in capsys.readouterr().err


@pytest.mark.usefixtures("with_detector")
def test_a_picture_without_a_face_is_counted_and_one_that_does_not_decode_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pictures(tmp_path, ["happy/her.png", "neutral/her.png"])
    write_pictures(tmp_path, ["happy/wall.png"], np.full((200, 200), 127, dtype=np.uint8))
    (tmp_path / "happy" / "broken.png").write_bytes(b"no picture")
    figures = evaluate(FACE, "folder", tmp_path)
    assert (figures["test"]["samples"], figures["without_reading"]) == (2, 1)
    (broken,) = figures["unreadable"]
    assert "broken.png: the picture cannot be read" in broken
    assert "1 could not be read and are left out" in capsys.readouterr().out


def test_a_clip_that_does_not_decode_is_named_and_a_silent_one_counted(tmp_path: Path) -> None:
    write_clips(tmp_path, ["sad/1.wav", "anger/1.wav"])
    (tmp_path / "sad" / "broken.mp4").write_bytes(b"no film")
    soundfile.write(tmp_path / "sad" / "silent.wav", np.zeros(16_000), 16_000)
    figures = evaluate(VOICE, "folder", tmp_path)
    assert (figures["test"]["samples"], figures["without_reading"], len(figures["unreadable"])) == (2, 1, 1)
    assert set(figures["test"]["classes"]) == {"angry", "sad"}


def test_a_corpus_of_which_nothing_decodes_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sad").mkdir()
    for name in ("1.wav", "2.wav"):
        (tmp_path / "sad" / name).write_text("version https://git-lfs.github.com/spec/v1")
    assert main(["evaluate", "--model", str(VOICE), "--dataset", "folder", "--root", str(tmp_path)]) == 1
    assert "not one of 2 files can be read; the first is" in capsys.readouterr().err


def test_the_model_told_which_classes_there_are_answers_with_no_other(tmp_path: Path) -> None:
    told = evaluate(VOICE, "tess", write_clips(tmp_path, VOICES["tess"]), "--classes", "angry", "sad")["told"]
    assert told["samples"] == 4
    answered = np.sum(told["confusion"], axis=0)
    assert answered[[0, 5]].sum() == 4


def test_a_model_and_a_corpus_of_different_kinds_are_kept_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--model", str(FACE), "--dataset", "emodb", "--root", str(tmp_path)]) == 1
    assert "emodb cannot score a face model" in capsys.readouterr().err


def test_a_model_that_is_not_there_is_named_and_so_is_one_without_a_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "nope.tflite"
    command = ["evaluate", "--model", str(model), "--dataset", "tess", "--root", str(tmp_path)]
    assert main(command) == 78
    assert f"{model}: there is no such model file" in capsys.readouterr().err
    model.write_bytes(VOICE.read_bytes())
    assert main(command) == 78
    told = capsys.readouterr().err
    assert f"{tmp_path / 'nope.json'}: the card of nope.tflite has to stand beside it" in told
    assert "affectd models list" not in told


@pytest.mark.usefixtures("with_detector")
@pytest.mark.parametrize("scale", [0.5, 1, 3])
def test_a_face_is_cut_out_of_a_portrait_at_any_size(scale: float) -> None:
    portrait = np.asarray(cv2.resize(astronaut(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    face, expected = face_in(portrait), face_in(astronaut())
    assert face is not None
    assert expected is not None
    assert np.corrcoef(face.ravel(), expected.ravel())[0, 1] > 0.95


@pytest.mark.usefixtures("with_detector")
def test_a_face_cut_tight_is_found_too() -> None:
    assert face_in(np.ascontiguousarray(astronaut()[60:160, 135:235])) is not None


def test_a_picture_framed_as_fer2013_stays_as_it_is() -> None:
    picture = np.arange(48 * 48, dtype=np.uint16).reshape(48, 48).astype(np.uint8)
    assert face_in(picture) is picture
