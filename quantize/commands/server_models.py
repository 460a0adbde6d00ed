"""``python -m quantize server-models``."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from quantize.commands.options import MODELS, add_net, models_of, net_folder
from quantize.recipes import RECIPES


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("server-models", help="write the float twins that the desktop server serves")
    parser.add_argument("models", nargs="+", metavar="MODEL", help=", ".join(RECIPES))
    add_net(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the files go; default: desktop_server/models")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Write each, and say what it is worth."""
    from quantize.server_models import FOLDER, write_server_model

    for recipe in models_of(options):
        card = write_server_model(
            recipe,
            net_folder(options, recipe),
            shipped=MODELS / f"{recipe.id}.json",
            folder=options.out or FOLDER,
        )
        difference = card.about["largest_difference_from_checkpoint"]
        Console().print(f"{card.id}: {card.file}, within {difference:.1e} of the checkpoint")
