"""``python -m quantize refit``."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from device.errors import AffectdError
from quantize.commands.options import add_model, add_run, run_folder
from quantize.datasets import Split
from quantize.metrics import score
from quantize.recipe import Recipe
from quantize.recipes import find_recipe
from quantize.tables import percent

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "refit", help="what it does to fit a trained net's answer anew, and to take the classes' shares from it"
    )
    add_model(parser)
    add_run(parser)
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Score the net on the validation part with more and more of the shares taken from it."""
    from quantize import checkpoints
    from quantize.priors import without_priors
    from quantize.train import finished

    recipe = find_recipe(options.model)
    if recipe.refit is None:
        raise AffectdError(f"{recipe.id}: nothing of it is fitted anew after training")
    split = recipe.dataset.split(options.root)
    folder = run_folder(options, recipe)
    trained = checkpoints.load_net(folder, checkpoints.ANSWERING)
    whole = replace(recipe, refit=replace(recipe.refit, prior_strength=0.0))
    refit, number = finished(whole, trained, split, folder.parent), recipe.answer_number(recipe.refit.answer)
    title = f"{recipe.id} as {recipe.refit.answer}, validation"
    table = Table("", "accuracy", "UAR", title=title, title_justify="left", box=SIMPLE)
    table.add_row("as trained", *_scores(recipe, trained, split))
    for strength in STRENGTHS:
        net = without_priors(refit, answer=number, labels=split.train.labels, strength=strength)
        table.add_row(f"fitted anew, {strength:g} taken", *_scores(recipe, net, split))
    Console().print(table)


def _scores(recipe: Recipe, net: Any, split: Split) -> tuple[str, str]:
    from quantize.answers import answer_of

    inputs = np.stack([recipe.front_end.served(signal) for signal in split.validation.signals])
    outputs = net.predict(inputs, batch_size=256, verbose=0)
    scores = score(
        answer_of(outputs, recipe.answer_number(recipe.dataset.answer)),
        split.validation.labels,
        split.validation.groups,
    )
    return percent(scores.accuracy), percent(scores.uar)
