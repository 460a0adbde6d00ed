"""``python -m quantize train``."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from rich.console import Console

from device.errors import AffectdError
from quantize.commands.options import add_labels, add_models, add_run, labels_of, models_of, natural, run_folder
from quantize.datasets.folder import FOLDER
from quantize.datasets.own_folder import SPLIT_FILE, OwnFolder, read_own
from quantize.datasets.own_split import require_learnable
from quantize.inputs.preprocess import preprocess_for_training
from quantize.recipes.own import ARCHITECTURES, kind_of_architecture, own_recipe
from quantize.recipes.registry import RECIPES
from quantize.training import checkpoints
from quantize.training.checkpoints import Epoch
from quantize.training.recipe import SEED, Recipe
from quantize.training.shipped import RUNS_FOLDER


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("train", help="train nets; the same command goes on where it was stopped")
    add_models(parser, least="*")
    add_run(parser)
    parser.add_argument("--dataset", choices=(FOLDER,), help="a net of your own files as <label>/*, in place of MODEL")
    parser.add_argument("--architecture", metavar="NAME", help=f"of it: {', '.join(ARCHITECTURES)}")
    parser.add_argument("--id", metavar="NAME", help="what it is to be called")
    add_labels(parser)
    about = "regular expression whose group is the subject in a file's name (default: as far as names tell)"
    parser.add_argument("--subject", default="", metavar="PATTERN", help=about)
    parser.add_argument("--seed", type=natural, default=SEED)
    parser.add_argument("--epochs", type=natural, help="at most so many (default: the recipe's)")
    parser.set_defaults(command=run, goes_on=True)


def run(options: argparse.Namespace) -> None:
    """Train one after the other; what their corpora share is prepared once. Raises ``AffectdError``."""
    known: dict[str, Any] = {}
    for recipe in _recipes(options):
        _train(recipe, options, known)


def _recipes(options: argparse.Namespace) -> list[Recipe]:
    asks_for_own = [options.dataset, options.architecture, options.id, options.labels, options.subject]
    if options.models and not any(asks_for_own):
        return models_of(options)
    if options.models or not all(asks_for_own[:3]):
        raise AffectdError(
            "name a MODEL or, to train on files of your own, --dataset folder --architecture NAME --id mine"
        )
    return [_own(options)]


def _own(options: argparse.Namespace) -> Recipe:
    """The recipe of a net of one's own, kept in its run, so that it goes on and converts by its name."""
    if options.id in RECIPES:
        raise AffectdError(f"--id {options.id}: a net of affectd's own is called so; choose another")
    kind = kind_of_architecture(options.architecture)
    run = Path(options.run or RUNS_FOLDER / options.id)
    own = OwnFolder(options.id, kind, options.architecture, labels_of(options), options.subject)
    recipe = own_recipe(own, run)
    if checkpoints.read_state(run) is None:
        (run / SPLIT_FILE).unlink(missing_ok=True)  # of a beginning that came to nothing
    elif read_own(run) != own:
        raise AffectdError(f"{run}: was begun with other options; choose another --id, or remove that folder")
    recipe.dataset.split(options.root)
    own.keep(run)
    return recipe


def _train(recipe: Recipe, options: argparse.Namespace, known: dict[str, Any]) -> None:
    from quantize.report.terminal import show_left_out
    from quantize.training.train import train

    whole = recipe.dataset.split(options.root)
    split = preprocess_for_training(recipe.front_end, whole, known)
    unreadable = (*split.train.unreadable, *split.validation.unreadable)
    show_left_out(unreadable, split.remarks, stderr=True)
    if recipe.is_own:
        given, kept = (len(parts.train) + len(parts.validation) for parts in (whole, split))
        what = {"face": "face", "speech": "voice"}[recipe.dataset.kind]
        if silent := given - kept - len(unreadable):
            _say(f"{silent} files hold no {what} that the appliance finds and are left out")
        _say(whole.note)
        require_learnable(whole, split)
    epochs = recipe.epochs if options.epochs is None else options.epochs
    training = train(recipe, split, run_folder(options, recipe), seed=options.seed, epochs=epochs)
    chosen = training.chosen
    _say(f"kept: epoch {chosen.number} of {len(training.epochs)}{_validated(chosen)}; next: {_next(recipe, options)}")


def _next(recipe: Recipe, options: argparse.Namespace) -> str:
    """The command that converts it, to be pasted."""
    run = ("--run", options.run) if options.run else ()
    return shlex.join(map(str, ("python", "-m", "quantize", "convert", recipe.id, "--root", options.root, *run)))


def _say(line: str) -> None:
    Console(soft_wrap=True).print(line, markup=False, highlight=False)


def _validated(epoch: Epoch) -> str:
    accuracy = epoch.validation_accuracy
    return "" if accuracy is None else f", validation accuracy {100 * accuracy:.1f} %"
