"""``python -m quantize protocol``."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from quantize.commands.options import add_root, natural
from quantize.commands.study_options import write_study
from quantize.commands.train import SEED
from quantize.kept_nets import RUNS
from quantize.recipes import find_recipe


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("protocol", help="what one speech net seems to be worth under three ways to split")
    parser.add_argument("model", metavar="MODEL", help="a speech net, such as affectd-1-speech")
    add_root(parser)
    parser.add_argument("--runs", type=Path, default=RUNS, metavar="DIR", help="where its trainings go")
    parser.add_argument("--seed", type=natural, default=SEED)
    parser.add_argument("--epochs", type=natural, help="of each training (default: the recipe's)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all figures there, too")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Train three times, print the table and, if asked, write the figures."""
    from quantize.protocol import study

    recipe = find_recipe(options.model)
    epochs = options.epochs or recipe.epochs
    found = study(recipe, options.root, options.runs, seed=options.seed, epochs=epochs)
    table = Table("split", "accuracy %", "UAR %", "test clips", "actors on both sides", "recordings on both sides")
    for row in found.rows:
        scores = row.scores
        figures = (f"{100 * figure.value:.1f}" for figure in (scores.accuracy, scores.uar))
        table.add_row(row.protocol, *figures, str(scores.samples), str(row.actors_shared), str(row.clips_shared))
    Console().print(table)
    if options.json:
        write_study(options.json, found)
