"""``python -m quantize convert``."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from rich.console import Console

from quantize.commands.options import add_models, add_net, models_of, net_folder, run_folder, target_folder
from quantize.conversion import calibration
from quantize.datasets import Dataset, Split
from quantize.training import shipped
from quantize.training.recipe import Recipe
from quantize.training.shipped import CROSS_VALIDATION_FOLDER, MODELS_FOLDER


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("convert", help="make int8 files and cards of trained nets, and score both forms")
    add_models(parser)
    add_net(parser)
    about = f"where they go (default: {MODELS_FOLDER} or {CROSS_VALIDATION_FOLDER}; a net of your own: its run)"
    parser.add_argument("--out", type=Path, metavar="DIR", help=about)
    parser.add_argument("--calibration", type=Path, help="a net's pinned calibration set (drawn if it is not there)")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Convert, score the float and the int8 files, print both, and keep the nets of what now ships."""
    for recipe in models_of(options):
        _convert(recipe, options)


def _convert(recipe: Recipe, options: argparse.Namespace) -> None:
    from quantize.conversion.release import release
    from quantize.report.terminal import show_figures

    def load(dataset: Dataset) -> Split:
        return dataset.split(options.root)

    folder, trained = target_folder(options, recipe), net_folder(options, recipe)
    run, will_ship = run_folder(options, recipe), recipe.is_shipped and not options.out
    pinned = options.calibration or calibration.path_of(recipe, run)
    if will_ship:
        shipped.histories(recipe, trained)  # what is missing is said before anything is replaced
    reports = release(recipe, load, trained=trained, run=run, calibration_path=pinned, folder=folder)
    for report in (report for form in reports.values() for report in form.values()):
        show_figures("evaluate", report)
    if recipe.is_own:
        net = shlex.quote(str(folder / f"{recipe.id}.tflite"))
        Console(soft_wrap=True).print(f"next: affectd models add {net} --dir FOLDER", markup=False, highlight=False)
    if will_ship:
        Console(soft_wrap=True).print(f"the net and its history: {shipped.keep(recipe, trained)}", highlight=False)
