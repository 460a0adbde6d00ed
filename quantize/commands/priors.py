"""``python -m quantize priors``."""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from device.errors import AffectdError
from quantize.commands.options import add_model_and_run, run_folder
from quantize.datasets import Split
from quantize.metrics import Scores
from quantize.recipes import Evened, Recipe, find_recipe
from quantize.tables import percent

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("priors", help="what it does to a trained net to take the classes' shares from it")
    add_model_and_run(parser)
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Score the net on the validation part with more and more of the shares taken from it."""
    from quantize import checkpoints

    recipe = find_recipe(options.model)
    if recipe.evened is None:
        raise AffectdError(f"{recipe.id}: from its answers no shares are taken")
    split = recipe.dataset.split(options.root)
    net = checkpoints.load_net(run_folder(options, recipe), checkpoints.ANSWERING)
    title = f"{recipe.id} as {recipe.evened.answer}, validation"
    table = Table("taken", "accuracy", "UAR", title=title, title_justify="left", box=SIMPLE)
    for strength in STRENGTHS:
        scores = _scores(replace(recipe, evened=Evened(recipe.evened.answer, strength)), net, split)
        table.add_row(f"{strength:g}", percent(scores.accuracy), percent(scores.uar))
    Console().print(table)


def _scores(recipe: Recipe, net: object, split: Split) -> Scores:
    from quantize.answers import answer_of
    from quantize.metrics import score
    from quantize.train import finished

    inputs = np.stack([recipe.front_end.served(signal) for signal in split.validation.signals])
    outputs = finished(recipe, net, split.train).predict(inputs, batch_size=256, verbose=0)
    probs = answer_of(outputs, recipe.answer_number(recipe.dataset.answer))
    return score(probs, split.validation.labels, split.validation.groups)
