"""``python -m quantize against``."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from quantize.against import Against, study
from quantize.commands.options import add_root
from quantize.commands.study_options import add_json, kind_of, title_of, write_study
from quantize.datasets import NAMES, DatasetError, find_dataset
from quantize.paired import Interval
from quantize.report.wording import chance


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "against", help="test whether a .tflite file is better than another, by more than chance"
    )
    parser.add_argument("--model", type=Path, required=True, metavar="FILE")
    parser.add_argument("--than", type=Path, required=True, metavar="FILE", help="the file that it may be better than")
    parser.add_argument("--dataset", choices=NAMES, required=True)
    add_root(parser)
    add_json(parser, "against")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Ask both, write and print. Raises ``DatasetError`` where one reads faces and the other one voices."""
    kind, other = kind_of(options.model), kind_of(options.than)
    if kind != other:
        raise DatasetError(
            f"{options.model} is a {kind} model and {options.than} a {other} model; no sample can be asked of both"
        )
    result = study(options.model, options.than, find_dataset(options.dataset, kind), options.root)
    write_study(options.json, result)
    Console().print(_table(result))


def _table(result: Against) -> Table:
    sides, paired = (result.model, result.than), result.paired
    table = Table(
        title=title_of([side.part for side in sides]),
        title_justify="left",
        caption=_tests(result),
        caption_justify="left",
        box=SIMPLE,
        padding=(0, 1, 0, 0),
    )
    for name in ("", *(side.part.model for side in sides), "difference"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    table.add_row("served", *(side.answer for side in sides))
    table.add_row("unread", *(str(side.without_reading) for side in sides))
    table.add_row("right alone", str(paired.only_second_right), str(paired.only_first_right))
    table.add_row("accuracy %", *_shares(paired.second_accuracy, paired.first_accuracy, paired.accuracy_difference))
    table.add_row("UAR %", *_shares(paired.second_uar, paired.first_uar, paired.uar_difference))
    return table


def _shares(own: float, than: float, difference: Interval) -> tuple[str, str, str]:
    return f"{100 * own:.1f}", f"{100 * than:.1f}", _interval(difference)


def _tests(result: Against) -> str:
    paired = result.paired
    return (
        f"p: McNemar {chance(paired.mcnemar_p)}, t {chance(paired.t_p)}, Wilcoxon {chance(paired.wilcoxon_p)}, of "
        f"{paired.samples} samples in {paired.groups} groups; {result.neither_reads} that neither reads are left out"
    )


def _interval(figure: Interval) -> str:
    if figure.low is None or figure.high is None:
        return f"{100 * figure.value:+.1f}"
    return f"{100 * figure.value:+.1f} [{100 * figure.low:+.1f}, {100 * figure.high:+.1f}]"
