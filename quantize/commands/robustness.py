"""``python -m quantize robustness``."""

from __future__ import annotations

import argparse

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from quantize.cases import open_cases
from quantize.commands.options import add_root
from quantize.commands.study_options import add_files, add_json, files_of, title_of, write_study
from quantize.datasets import DatasetError
from quantize.robustness import Condition, Outcome, Robustness, degradations_of, study


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("robustness", help="score a .tflite file on worse and worse pictures or sounds")
    add_files(parser)
    add_root(parser)
    add_json(parser, "robustness")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Score, write and print."""
    files = files_of(options)
    (kind, *others) = {dataset.kind for _, dataset in files}
    if others:
        raise DatasetError("faces and voices are degraded in different ways; make a study of each")
    degradations = degradations_of(kind, options.root)
    result = study(open_cases(files, options.root), degradations)
    write_study(options.json, result)
    Console().print(_table(result))


def _table(result: Robustness) -> Table:
    table = Table(
        title=title_of(result.parts),
        title_justify="left",
        caption="in %; acc., UAR and calibration error of those read; change of all: unread is not right; p of t",
        box=SIMPLE,
        padding=(0, 1, 0, 0),
    )
    table.add_column("", no_wrap=True)
    for name in ("unread", "acc.", "UAR", "error", "same", "change", "p"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_row("clean", *_of_outcome(result.clean))
    for condition in result.conditions:
        table.add_row(condition.name, *_of_outcome(condition.degraded), *_of_pair(condition))
    return table


def _of_outcome(outcome: Outcome) -> tuple[str, ...]:
    missed, scores = _percent(outcome.share_without_reading), outcome.scores
    if scores is None:
        return (missed, "", "", "")
    return (missed, *(_percent(value) for value in (scores.accuracy.value, scores.uar.value, scores.calibration_error)))


def _of_pair(condition: Condition) -> tuple[str, ...]:
    change, p = condition.against_clean.accuracy_difference, condition.against_clean.t_p
    interval = f"{_percent(change.value)} [{_percent(change.low)}, {_percent(change.high)}]"
    return (_percent(condition.same_answer), interval, "–" if p is None else "<.01" if p < 0.01 else f"{p:.2f}")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"
