"""Options that several commands have."""

from __future__ import annotations

import argparse
from pathlib import Path

from device.errors import AffectdError
from device.models.card import Served, alone, read_card
from quantize import kept_nets
from quantize.kept_nets import NETS, RUNS
from quantize.recipe import Recipe
from quantize.recipes import RECIPES, find_recipe

MODELS = Path("models_tflite")
WITNESSES = Path("quantize/witnesses")
"""Nets that are not shipped: trained like a shipped one, but without other actors or a whole corpus."""


def add_model(parser: argparse.ArgumentParser) -> None:
    """Which recipe, on which data."""
    parser.add_argument("model", metavar="MODEL", help=", ".join(RECIPES))
    add_root(parser)


def add_models(parser: argparse.ArgumentParser) -> None:
    """Which recipes, one or several, on which data."""
    parser.add_argument("models", nargs="+", metavar="MODEL", help=", ".join(RECIPES))
    add_root(parser)


def add_run(parser: argparse.ArgumentParser) -> None:
    """Where a net is trained (``run_folder``)."""
    parser.add_argument("--run", type=Path, metavar="DIR", help=f"checkpoints of a single net (default: {RUNS}/MODEL)")


def add_net(parser: argparse.ArgumentParser) -> None:
    """Where a net was trained (``net_folder``)."""
    shipped = f"{RUNS}/MODEL or, if there is none, {NETS}/MODEL, the net that ships"
    parser.add_argument("--run", type=Path, metavar="DIR", help=f"checkpoints of a single net (default: {shipped})")


def models_of(options: argparse.Namespace) -> list[Recipe]:
    """The recipes named. Raises ``AffectdError`` if one is unknown, or several are to share a folder."""
    recipes = [find_recipe(model) for model in options.models]
    if options.run and len(recipes) > 1:
        raise AffectdError("--run names the folder of one net; without it each has its own, runs/MODEL")
    return recipes


def add_root(parser: argparse.ArgumentParser) -> None:
    """Where the corpora are."""
    parser.add_argument(
        "--root", type=Path, required=True, metavar="DIR", help="the corpus's folder, or the one that holds it"
    )


def models_folder(options: argparse.Namespace, recipe: Recipe) -> Path:
    """Where the recipe's file and card go."""
    return Path(options.out or (MODELS if recipe.is_shipped else WITNESSES))


def run_folder(options: argparse.Namespace, recipe: Recipe) -> Path:
    """The folder of a recipe's checkpoints, and of what is made of them on the way."""
    return Path(options.run or RUNS / recipe.id)


def net_folder(options: argparse.Namespace, recipe: Recipe) -> Path:
    """The folder of a recipe's trained net, to be read only: its run or, where none was begun, what ships."""
    return Path(options.run or kept_nets.folder_of(recipe))


def served_of_shipped(recipe: Recipe) -> Served:
    """What is served of a net that ships; of any other, or where no card is there, the first answer as it is."""
    path = MODELS / f"{recipe.id}.json"
    return read_card(path).served if path.exists() else alone(answers=len(recipe.answers))


def natural(text: str) -> int:
    """A whole number above 0."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number
