"""Parts of a report: sections of sentences, tables and plots, whatever they are rendered to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Table:
    """Cells are text; the first column names the row, all others are figures."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Plot:
    """One small drawing. ``svg`` has no XML head; ``alt`` says what is to be seen, for those who do not see it."""

    name: str
    title: str
    alt: str
    svg: str


@dataclass(frozen=True, slots=True)
class Plots:
    """Small multiples under one caption."""

    caption: str
    panels: Sequence[Plot]


@dataclass(frozen=True, slots=True)
class Content:
    """What a part shows: sentences first, then tables and plots in this order."""

    sentences: Sequence[str] = ()
    shown: Sequence[Table | Plots] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the report. ``lacks`` are its studies that are missing or old, each told in a line."""

    id: str
    title: str
    intro: str
    content: Content
    lacks: Sequence[str] = field(default=())
