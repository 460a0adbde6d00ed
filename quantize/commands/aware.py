"""``python -m quantize aware``."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from quantize.commands.options import add_model, add_net, natural, net_folder
from quantize.inputs.preprocess import preprocess_for_training
from quantize.recipes.registry import find_recipe

EPOCHS = 3


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("aware", help="train a trained net on while it is rounded to int8")
    add_model(parser)
    add_net(parser)
    parser.add_argument("--out-run", type=Path, required=True, metavar="DIR", help="the new run's folder")
    parser.add_argument("--epochs", type=natural, default=EPOCHS)
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Fine-tune, and say what was reached and what was left alone."""
    from quantize.training.qat import fine_tune

    recipe = find_recipe(options.model)
    split = preprocess_for_training(recipe.front_end, recipe.dataset.split(options.root))
    training, left_alone = fine_tune(
        recipe, split, run=net_folder(options, recipe), out_run=options.out_run, epochs=options.epochs
    )
    console = Console(soft_wrap=True)
    if left_alone:
        console.print(f"not rounded, tfmot has no int8 form of: {', '.join(left_alone)}", markup=False)
    accuracy = training.chosen.validation_accuracy
    validated = "" if accuracy is None else f" (validation accuracy, rounded: {100 * accuracy:.1f} %)"
    console.print(f"kept: epoch {training.chosen.number} of {options.epochs}{validated}", highlight=False)
    console.print(f"next: python -m quantize convert {recipe.id} --run {options.out_run}", highlight=False)
