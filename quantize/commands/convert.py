"""``python -m quantize convert``."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from quantize import calibration, tables
from quantize.commands.options import MODELS, add_model_and_run, run_folder
from quantize.datasets import Dataset, Split
from quantize.recipes import find_recipe


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("convert", help="make the int8 file and its card of a trained net, and score both")
    add_model_and_run(parser)
    parser.add_argument("--out", type=Path, default=MODELS, help="where file and card go")
    parser.add_argument("--calibration", type=Path, help="the pinned calibration set (drawn if it is not there)")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Convert, score the float and the int8 file, and print both."""
    from quantize.publish import publish

    recipe = find_recipe(options.model)
    pinned = options.calibration or calibration.FOLDER / f"{recipe.id}.json"

    def load(dataset: Dataset) -> Split:
        return dataset.split(options.root)

    reports = publish(recipe, load, run=run_folder(options, recipe), calibration_path=pinned, folder=options.out)
    for report in (report for form in reports.values() for report in form.values()):
        Console().print(tables.of_report(report))
