"""``python -m quantize export`` and ``server-models``."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from quantize.commands.options import add_net, models_of, net_folder
from quantize.recipes.registry import RECIPES, find_recipe
from quantize.training.shipped import MODELS_FOLDER


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare both commands."""
    parser = commands.add_parser("export", help="write a trained net as float .tflite, ONNX and SavedModel, checked")
    parser.add_argument("model", metavar="MODEL", help=", ".join(RECIPES))
    add_net(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the files go")
    parser.set_defaults(command=run)
    parser = commands.add_parser("server-models", help="write the float twins that the desktop server serves")
    parser.add_argument("models", nargs="+", metavar="MODEL", help=", ".join(RECIPES))
    add_net(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the files go; default: desktop_server/models")
    parser.set_defaults(command=run_for_server)


def run(options: argparse.Namespace) -> None:
    """Export, and print what each file is worth."""
    from quantize.conversion.export import TWIN_PROTOCOL, export

    recipe = find_recipe(options.model)
    table = Table("file", title=f"{recipe.id}: {TWIN_PROTOCOL}", title_justify="left", box=SIMPLE)
    table.add_column("bytes", justify="right")
    table.add_column("largest difference", justify="right")
    for form in export(recipe, net_folder(options, recipe), options.out):
        table.add_row(form.file, f"{form.bytes:,}", f"{form.largest_difference:.1e}")
    Console().print(table)


def run_for_server(options: argparse.Namespace) -> None:
    """Write each, and say what it is worth."""
    from quantize.conversion.export import TWINS_FOLDER, write_server_model

    for recipe in models_of(options):
        shipped, folder = MODELS_FOLDER / f"{recipe.id}.json", options.out or TWINS_FOLDER
        card = write_server_model(recipe, net_folder(options, recipe), shipped=shipped, folder=folder)
        difference = card.about["largest_difference_from_checkpoint"]
        Console().print(f"{card.id}: {card.file}, within {difference:.1e} of the checkpoint")
