"""``python -m quantize fairness``."""

from __future__ import annotations

import argparse

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from quantize.cases import open_cases
from quantize.commands.options import add_root
from quantize.commands.study_options import add_files, add_json, files_of, title_of, write_study
from quantize.datasets import DatasetError
from quantize.fairness import Fairness, study
from quantize.paired import Interval
from quantize.sexes import sexes_of


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("fairness", help="score speech by the sex of those who speak")
    add_files(parser)
    add_root(parser)
    add_json(parser, "fairness")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Score, write and print."""
    files = files_of(options)
    sexes = [sexes_of(dataset, options.root) for _, dataset in files]
    if any(other != sexes[0] for other in sexes):
        raise DatasetError("the data sets are of different corpora, which differ in more than who speaks; take one")
    result = study(open_cases(files, options.root), sexes[0])
    write_study(options.json, result)
    Console().print(_table(result))


def _table(result: Fairness) -> Table:
    table = Table(
        title=title_of(result.parts),
        title_justify="left",
        caption="in %; unread is not right",
        box=SIMPLE,
        padding=(0, 1, 0, 0),
    )
    for name in ("", "actors", "clips", "unread", "accuracy", "UAR"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for own in result.by_sex:
        missed = f"{100 * own.without_reading / own.samples:.1f}"
        table.add_row(own.sex, str(own.actors), str(own.samples), missed, _interval(own.accuracy), _interval(own.uar))
    if result.accuracy_gap and result.uar_gap:
        gaps = (result.accuracy_gap, result.uar_gap)
        table.add_row("male − female", "", "", "", *(_interval(gap.difference) for gap in gaps))
        table.add_row("p", "", "", "", *(f"{gap.p:.3f}" for gap in gaps))
    return table


def _interval(figure: Interval) -> str:
    low, high = ("–" if end is None else f"{100 * end:.1f}" for end in (figure.low, figure.high))
    return f"{100 * figure.value:.1f} [{low}, {high}]"
