"""A study's tables and sentences for the terminal: those that the report has of it, without its drawings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table as Shown

from quantize.report.content import content
from quantize.report.parts import Table

_COLUMNS, _WIDTH = 8, 80
"""More columns do not fit into the characters of a terminal, unless they are narrow."""


_NAMED = 10
"""So many unreadable files are named; the JSON names all."""


def show_left_out(unreadable: Sequence[str], remarks: Sequence[str], *, stderr: bool = False) -> None:
    """Print what could not be read of the data, and what these copies of it lack, each once."""
    names, lines = list(dict.fromkeys(unreadable)), list(dict.fromkeys(remarks))
    if names:
        more = [f"  and {len(names) - _NAMED} more"] if len(names) > _NAMED else []
        first = [f"  {name}" for name in names[:_NAMED]]
        lines += [f"{len(names)} could not be read and are left out:", *first, *more]
    for line in lines:
        Console(stderr=stderr, soft_wrap=True).print(line, markup=False, highlight=False)


def show_figures(name: str, figures: Any) -> None:
    """Print what the template of this name tells of one study's figures."""
    told, console = content(name, [figures]), Console(soft_wrap=True)
    for sentence in told.sentences:
        console.print(sentence, markup=False, highlight=False)
    for table in told.shown:
        if isinstance(table, Table):
            Console().print(_shown(table))


def _shown(table: Table) -> Shown:
    """With a row for each column where few rows would be wider than a terminal."""
    lines: list[Sequence[str]] = [table.columns, *table.rows]
    width = sum(max(map(len, column)) + 1 for column in zip(*lines, strict=True))
    if len(table.columns) > _COLUMNS and width > _WIDTH and len(table.rows) < len(table.columns):
        lines = list(zip(*lines, strict=True))
    head, *rows = lines
    shown = Shown(title=table.caption, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    for number, column in enumerate(head):
        shown.add_column(column, justify="right" if number else "left", no_wrap=not number)
    for row in rows:
        shown.add_row(*row)
    return shown
