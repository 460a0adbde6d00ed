"""Figures as tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE
from rich.table import Table

from device.readings import EMOTIONS, Emotion
from quantize.evaluate import Report
from quantize.metrics import Figure, Scores

NAMED = 10
"""So many unreadable files are named in the terminal; the JSON names all."""


def of_report(report: Report) -> Table:
    """One report: the figures in the title, a line for each class with its row of the confusion matrix."""
    table = Table(
        title=_title(report),
        title_justify="left",
        caption="rows: truth; columns: guesses",
        box=SIMPLE,
        padding=(0, 1, 0, 0),
    )
    table.add_column("", no_wrap=True)
    for name in ("prec.", "recall", "F1", "n", *(emotion[:3] for emotion in EMOTIONS)):
        table.add_column(name, justify="right", no_wrap=True)
    for name, figures in report.test.classes.items():
        row = report.test.confusion[EMOTIONS.index(Emotion(name))]
        shares = (f"{100 * v:.1f}" for v in (figures.precision, figures.recall, figures.f1))
        table.add_row(name, *shares, str(figures.samples), *(str(n) for n in row))
    return table


def _title(report: Report) -> str:
    parts = [f"{report.model} ({report.sha256[:8]}) on {report.dataset}", _line("test", report.test)]
    if report.clean.samples != report.test.samples:
        parts.append(_line("clean", report.clean))
    if report.told:
        parts.append(_line("told which classes there are", report.told))
    if report.without_reading:
        parts.append(f"{report.without_reading} of the test samples gave no reading")
    return "\n".join([*parts, *of_unreadable(report.unreadable), *report.remarks])


def of_unreadable(names: Sequence[str]) -> list[str]:
    """What did not decode: how many, and the first of them by name."""
    if not names:
        return []
    more = [f"  and {len(names) - NAMED} more"] if len(names) > NAMED else []
    return [f"{len(names)} could not be read and are left out:", *(f"  {name}" for name in names[:NAMED]), *more]


def _line(name: str, scores: Scores) -> str:
    return (
        f"{name}, {scores.samples} samples: accuracy {percent(scores.accuracy)}, UAR {percent(scores.uar)}, "
        f"macro F1 {100 * scores.macro_f1:.1f}, calibration error {scores.calibration_error:.3f}"
    )


def percent(figure: Figure) -> str:
    """In per cent, with its interval."""
    return f"{100 * figure.value:.1f} [{100 * figure.low:.1f}–{100 * figure.high:.1f}]"
