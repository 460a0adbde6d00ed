"""The same file in two runtimes, each in a Python of its own."""

import os
import sys
from pathlib import Path

import pytest

from quantize.__main__ import main

MODELS = Path(__file__).resolve().parents[1] / "models_tflite"
TFLITE_PYTHON = os.environ.get("AFFECTD_TFLITE_PYTHON", "")


def compare_with(python: str | Path, faces: Path) -> int:
    model = str(MODELS / "affectd-1-face.tflite")
    return main(["runtimes", "--model", model, "--root", str(faces), "--python", str(python)])


def test_a_runtime_gives_its_own_answers_again_in_another_process(
    faces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare_with(sys.executable, faces) == 0
    shown = capsys.readouterr().out
    assert "ai-edge-litert and ai-edge-litert" in shown
    assert "as served: 0 named otherwise, at most 0.0/256 apart" in shown


@pytest.mark.skipif(not TFLITE_PYTHON, reason="AFFECTD_TFLITE_PYTHON names no Python that has tflite-runtime 2.14")
def test_the_other_runtime_rounds_differently(faces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare_with(TFLITE_PYTHON, faces) == 0
    shown = capsys.readouterr().out
    assert "ai-edge-litert and tflite-runtime" in shown
    assert "at most 0.0/256 apart" not in shown


@pytest.mark.parametrize(
    ("python", "told"), [("no/such/python", "cannot be run"), ("/bin/false", "could not answer (it said nothing)")]
)
def test_a_python_that_cannot_answer_is_named(
    python: str, told: str, faces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare_with(python, faces) != 0
    said = " ".join(capsys.readouterr().err.split())
    assert python in said
    assert told in said
