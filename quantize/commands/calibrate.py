"""``python -m quantize calibrate``."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from quantize.commands.options import add_models, add_run, models_of, run_folder, target_folder
from quantize.datasets import Dataset, Split
from quantize.training.recipe import Recipe
from quantize.training.shipped import CROSS_VALIDATION_FOLDER, MODELS_FOLDER


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "calibrate", help="fit the temperature of each of several converted nets on what the others say"
    )
    add_models(parser)
    add_run(parser)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help=f"where they are (default: {MODELS_FOLDER} or {CROSS_VALIDATION_FOLDER})",
    )
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Fit, rewrite the cards and say what was found."""
    from quantize.conversion.fold_temperatures import FoldModel, calibrate

    def fold_model(recipe: Recipe) -> FoldModel:
        folder, made_in = target_folder(options, recipe), run_folder(options, recipe)
        return FoldModel(recipe, made_in / f"{recipe.id}-float32.tflite", folder / f"{recipe.id}.tflite")

    def load(dataset: Dataset) -> Split:
        return dataset.split(options.root)

    for name, fitted in calibrate([fold_model(recipe) for recipe in models_of(options)], load).items():
        Console(soft_wrap=True).print(
            f"{name}: temperature {fitted.value:.3f} from {fitted.samples:,} answers of the others, whose calibration "
            f"error it brings from {fitted.calibration_error_before:.3f} to {fitted.calibration_error_after:.3f}",
            highlight=False,
        )
