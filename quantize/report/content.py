"""Content of a section: its template of sentences and tables, filled with figures, and the drawings in their places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from device.readings import EMOTIONS
from quantize.evaluation.evaluate import Report
from quantize.evaluation.metrics import Scores
from quantize.evaluation.significance import Paired
from quantize.report.parts import Content, Plots, Table
from quantize.report.wording import chance, change, interval, kilobytes, percent

_DRAWINGS = "<drawings>"


def content(name: str, figures: Sequence[Any], drawn: Sequence[Plots] = (), **others: Any) -> Content:
    """``tables/NAME.md.j2`` with the figures of its studies; ``drawn`` stand where it says `<drawings>`.

    A blank line ends a sentence or a table, whose rows are `| cell | cell |` below a caption. A sentence is said once.
    Without such a template the drawings are all.
    """
    if not files(__package__).joinpath("tables", f"{name}.md.j2").is_file():
        return Content(shown=drawn)
    sentences: list[str] = []
    shown: list[Table | Plots] = []
    waiting = iter(drawn)
    for block in _environment().get_template(f"{name}.md.j2").render(figures=figures, **others).split("\n\n"):
        lines = block.strip().splitlines()
        rows = [_cells(line) for line in lines if line.startswith("|")]
        text = " ".join(line for line in lines if not line.startswith("|"))
        if rows:
            shown.append(Table(text, rows[0], rows[1:]))
        elif text == _DRAWINGS:
            shown += [plots for plots in [next(waiting, None)] if plots]
        elif text:
            sentences.append(text)
    return Content(list(dict.fromkeys(sentences)), shown)


def parts(report: Report) -> Iterator[tuple[str, Scores]]:
    """The scores of a report, each by the part of the corpus that they are of."""
    yield "all", report.test
    if report.clean.samples != report.test.samples:
        yield "clean", report.clean
    if report.told:
        yield "told the classes", report.told


@cache
def _environment() -> Environment:
    loader = PackageLoader("quantize.report", "tables")
    environment = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals |= {"emotions": [str(emotion) for emotion in EMOTIONS], "cards": ()}
    environment.filters |= {function.__name__: function for function in (chance, change, interval, kilobytes, percent)}
    environment.filters |= {"parts": parts, "by_group": _by_group, "count": "{:,}".format}
    return environment


def _by_group(paired: Paired) -> str:
    return f"{chance(paired.t_p)} / {chance(paired.wilcoxon_p)}"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]
