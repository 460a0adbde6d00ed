"""``python -m quantize train``."""

from __future__ import annotations

import argparse
from typing import Any

from rich.console import Console

from quantize.commands.options import add_models, add_run, models_of, natural, run_folder
from quantize.inputs.preprocess import preprocess_for_training
from quantize.training.checkpoints import Epoch
from quantize.training.recipe import SEED, Recipe


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("train", help="train nets; the same command goes on where it was stopped")
    add_models(parser)
    add_run(parser)
    parser.add_argument("--seed", type=natural, default=SEED)
    parser.add_argument("--epochs", type=natural, help="at most so many (default: the recipe's)")
    parser.set_defaults(command=run, goes_on=True)


def run(options: argparse.Namespace) -> None:
    """Train one after the other; what their corpora share is prepared once."""
    known: dict[str, Any] = {}
    for recipe in models_of(options):
        _train(recipe, options, known)


def _train(recipe: Recipe, options: argparse.Namespace, known: dict[str, Any]) -> None:
    from quantize.report.terminal import show_left_out
    from quantize.training.train import train

    split = preprocess_for_training(recipe.front_end, recipe.dataset.split(options.root), known)
    show_left_out((*split.train.unreadable, *split.validation.unreadable), split.remarks, stderr=True)
    epochs = recipe.epochs if options.epochs is None else options.epochs
    training = train(recipe, split, run_folder(options, recipe), seed=options.seed, epochs=epochs)
    chosen = training.chosen
    Console().print(
        f"kept: epoch {chosen.number} of {len(training.epochs)}{_validated(chosen)}; "
        f"next: python -m quantize convert {recipe.id}"
    )


def _validated(epoch: Epoch) -> str:
    accuracy = epoch.validation_accuracy
    return "" if accuracy is None else f", validation accuracy {100 * accuracy:.1f} %"
