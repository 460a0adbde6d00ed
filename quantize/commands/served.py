"""``python -m quantize served``."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from device.models.card import read_card
from quantize.commands.options import MODELS, add_model, add_net, net_folder
from quantize.commands.study_options import write_study
from quantize.datasets import Dataset, Split
from quantize.recipes import find_recipe
from quantize.served_study import ServedStudy


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("served", help="choose, on validation parts, what is served of a net's answers")
    add_model(parser)
    add_net(parser)
    parser.add_argument("--models", type=Path, default=MODELS, metavar="DIR", help="of the int8 file and its card")
    parser.add_argument("--write", action="store_true", help="write it into the cards of both forms, scored anew")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all figures there, too")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Choose and print; write the figures and the cards if asked. Raises ``AffectdError``."""
    from quantize.served_study import study, write_cards

    recipe = find_recipe(options.model)

    def load(dataset: Dataset) -> Split:
        return dataset.split(options.root)

    card, run_of_net = options.models / f"{recipe.id}.json", net_folder(options, recipe)
    found = study(recipe, load, run=run_of_net, shipped=card)
    Console().print(_table(found))
    _say(f"the rule chooses {found.candidates[0].told}, at temperature {found.served.temperature:g}")
    said = found.threshold
    _say(
        f"a label is right in {100 * said.right_below:.0f} % of the {100 * said.unsaid:.1f} % of faces below a "
        f"confidence of {said.uncertain_below:g}, from which on it is said"
    )
    if options.json:
        write_study(options.json, found)
    if options.write:
        for path in write_cards(recipe, load, found, run=run_of_net, shipped=card):
            _say(f"written: {path}")
    elif found.served != read_card(card).served:
        _say(f"{card} says otherwise; --write makes it say so")


def _say(text: str) -> None:
    Console(soft_wrap=True).print(text, highlight=False, markup=False)


def _table(found: ServedStudy) -> Table:
    table = Table(title=found.model, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("served", no_wrap=True)
    labels = list(found.candidates[0].on)
    for name in ("loss", "T", *(f"{label} {what}" for label in labels for what in ("%", "UAR %", "ECE"))):
        table.add_column(name, justify="right", no_wrap=True)
    for candidate in found.candidates:
        figures = (
            text
            for own in candidate.on.values()
            for text in (f"{100 * own.accuracy:.1f}", f"{100 * own.uar:.1f}", f"{own.calibration_error:.3f}")
        )
        table.add_row(candidate.told, f"{candidate.loss:.4f}", f"{candidate.served.temperature:.2f}", *figures)
    return table
