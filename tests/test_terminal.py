"""The tables of the report, in a terminal."""

from pathlib import Path

import pytest

from quantize.report.terminal import show_figures
from quantize.studies.registry import studies

ROOT = Path(__file__).resolve().parents[1]


def test_a_line_of_the_confusion_matrix_is_a_true_class(capsys: pytest.CaptureFixture[str]) -> None:
    every = {study.name: study for study in studies(ROOT / "models_tflite", ROOT / "quantize/cross_validation")}
    figures = every["scores-baseline-face-fer2013"].figures(ROOT / "docs/measured")
    show_figures("evaluate", figures)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    (happy,) = (line for line in lines if line[:1] == ["happy"])
    assert happy[-7:] == [str(count) for count in figures.test.confusion[3]]


def test_a_row_too_wide_for_a_terminal_stands_upright(capsys: pytest.CaptureFixture[str]) -> None:
    every = {study.name: study for study in studies(ROOT / "models_tflite", ROOT / "quantize/cross_validation")}
    show_figures("better-than", every["better-than-affectd-1-face-fer2013"].figures(ROOT / "docs/measured"))
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert any(line.startswith("McNemar p") and line.endswith("< 0.001") for line in lines)
