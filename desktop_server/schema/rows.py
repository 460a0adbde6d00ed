"""Rows of a table: an analysis as CSV, a row a picture or an estimate of a recording."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from desktop_server.schema.analysis import AnalysisResponse, Estimate, ModalityResult, Probs

Cell = str | float | None
"""``None`` is an empty cell: nothing was read, or a picture has no time."""

COLUMNS: Sequence[str] = (
    *("file", "at_s", "label", "confidence", "valence", "arousal"),
    *Probs.model_fields,
    *("face_quality", "face_weight", "speech_quality", "speech_weight"),
)
"""The header line. ``at_s``: seconds from a recording's start; probabilities, qualities and weights in 0…1."""

_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
"""What makes spreadsheets take a cell for a formula, which could run a program (CWE-1236): a file may be called so."""


def text_cell(text: str) -> str:
    """Text that a stranger may have chosen, with an apostrophe before it where a spreadsheet would calculate it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def rows(answer: AnalysisResponse, *, file: str = "") -> Iterator[list[Cell]]:
    """A row for each estimate of a recording or, where it has no timeline, one without a time."""
    if not answer.timeline:
        yield _row(file, None, answer.estimate)
    for estimate in answer.timeline:
        yield _row(file, estimate.at_s, estimate)


def unread_row(file: str) -> list[Cell]:
    """The row of a file that could not be read: its name alone."""
    return [text_cell(file), *([None] * (len(COLUMNS) - 1))]


def csv_text(answer: AnalysisResponse) -> str:
    """The rows below the header line, as RFC 4180 has them."""
    return csv_lines([COLUMNS, *rows(answer)])


def csv_lines(table: Iterable[Sequence[Cell]]) -> str:
    """These rows alone."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows(table)
    return written.getvalue()


def _row(file: str, at_s: float | None, estimate: Estimate) -> list[Cell]:
    probs: list[Cell] = [None] * len(Probs.model_fields)
    if estimate.probs is not None:
        probs = [value for _, value in estimate.probs]
    affect = (estimate.confidence, estimate.valence, estimate.arousal)
    both = (estimate.modalities.face, estimate.modalities.speech)
    return [
        text_cell(file),
        at_s,
        estimate.label,
        *affect,
        *probs,
        *(cell for modality in both for cell in _cells(modality)),
    ]


def _cells(modality: ModalityResult) -> Sequence[Cell]:
    return modality.quality, modality.weight
