"""Options that several commands have."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryFile

from device.errors import AffectdError
from quantize.datasets.labels import read_labels
from quantize.recipes.registry import RECIPES, find_recipe
from quantize.training import shipped
from quantize.training.recipe import Recipe
from quantize.training.shipped import CHECKPOINTS_FOLDER, CROSS_VALIDATION_FOLDER, MODELS_FOLDER, RUNS_FOLDER


def add_model(parser: argparse.ArgumentParser) -> None:
    """Which recipe, on which data."""
    parser.add_argument("model", metavar="MODEL", help=", ".join(RECIPES))
    add_root(parser)


def add_models(parser: argparse.ArgumentParser, *, least: str = "+") -> None:
    """Which recipes, one or several (or ``least`` "*": none), on which data."""
    parser.add_argument("models", nargs=least, metavar="MODEL", help=", ".join(RECIPES))
    add_root(parser)


def add_run(parser: argparse.ArgumentParser) -> None:
    """Where a net is trained (``run_folder``)."""
    parser.add_argument(
        "--run", type=Path, metavar="DIR", help=f"checkpoints of a single net (default: {RUNS_FOLDER}/MODEL)"
    )


def add_net(parser: argparse.ArgumentParser) -> None:
    """Where a net was trained (``net_folder``)."""
    shipped = f"{RUNS_FOLDER}/MODEL or, if there is none, {CHECKPOINTS_FOLDER}/MODEL, the net that ships"
    parser.add_argument("--run", type=Path, metavar="DIR", help=f"checkpoints of a single net (default: {shipped})")


def models_of(options: argparse.Namespace) -> list[Recipe]:
    """The recipes named. Raises ``AffectdError`` if one is unknown, or several are to share a folder."""
    recipes = [find_recipe(model, options.run) for model in options.models]
    if options.run and len(recipes) > 1:
        raise AffectdError("--run names the folder of one net; without it each has its own, runs/MODEL")
    return recipes


def add_root(parser: argparse.ArgumentParser) -> None:
    """Where the corpora are."""
    parser.add_argument(
        "--root", type=Path, required=True, metavar="DIR", help="the corpus's folder, or the one that holds it"
    )


def add_labels(parser: argparse.ArgumentParser) -> None:
    """What a folder's own words mean."""
    about = 'with --dataset folder: TOML of your words, lines like grumpy = "angry" or bored = "none"'
    parser.add_argument("--labels", type=Path, metavar="FILE", help=about)


def labels_of(options: argparse.Namespace) -> dict[str, str]:
    """The words of ``--labels``, none where it is not given. Raises ``AffectdError``."""
    return read_labels(options.labels) if options.labels else {}


def target_folder(options: argparse.Namespace, recipe: Recipe) -> Path:
    """Where the recipe's file and card go."""
    ours = MODELS_FOLDER if recipe.is_shipped else CROSS_VALIDATION_FOLDER
    return Path(options.out or (run_folder(options, recipe) if recipe.is_own else ours))


def run_folder(options: argparse.Namespace, recipe: Recipe) -> Path:
    """The folder of a recipe's checkpoints, and of what is made of them on the way."""
    return Path(options.run or RUNS_FOLDER / recipe.id)


def net_folder(options: argparse.Namespace, recipe: Recipe) -> Path:
    """The folder of a recipe's trained net, to be read only: its run or, where none was begun, what ships."""
    return Path(options.run or shipped.folder_of(recipe))


def require_writable(path: Path) -> None:
    """Find out before the work whether its figures can be written there; leaves nothing. Raises ``AffectdError``."""
    if path.is_dir():
        raise AffectdError(f"{path}: is a folder; name a file in it with --json")
    try:
        folder = next(above for above in path.absolute().parents if above.exists())
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise AffectdError(f"{path}: cannot be written ({error.strerror}); choose another --json") from error


def natural(text: str) -> int:
    """A whole number above 0."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number
