"""Options that several commands have."""

from __future__ import annotations

import argparse
from pathlib import Path

from quantize.recipes import RECIPES, Recipe

MODELS = Path("models_tflite")


def add_model_and_run(parser: argparse.ArgumentParser) -> None:
    """Which recipe, on which data, with its checkpoints where."""
    parser.add_argument("model", metavar="MODEL", help=", ".join(RECIPES))
    add_root(parser)
    parser.add_argument("--run", type=Path, metavar="DIR", help="checkpoints (default: runs/MODEL)")


def add_root(parser: argparse.ArgumentParser) -> None:
    """Where the corpora are."""
    parser.add_argument(
        "--root", type=Path, required=True, metavar="DIR", help="the corpus's folder, or the one that holds it"
    )


def run_folder(options: argparse.Namespace, recipe: Recipe) -> Path:
    """The folder of a recipe's checkpoints."""
    return Path(options.run or Path("runs") / recipe.id)


def natural(text: str) -> int:
    """A whole number above 0."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number
