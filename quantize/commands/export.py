"""``python -m quantize export``."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from quantize.commands.options import add_net, net_folder
from quantize.recipes import RECIPES, find_recipe


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("export", help="write a trained net as float .tflite, ONNX and SavedModel, checked")
    parser.add_argument("model", metavar="MODEL", help=", ".join(RECIPES))
    add_net(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the files go")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Export, and print what each file is worth."""
    from quantize.export import export

    recipe = find_recipe(options.model)
    result = export(recipe, net_folder(options, recipe), options.out)
    table = Table(title=f"{result.model}: {result.protocol}", title_justify="left", box=SIMPLE)
    table.add_column("file", no_wrap=True)
    table.add_column("bytes", justify="right")
    table.add_column("largest difference", justify="right")
    for form in result.forms:
        table.add_row(form.file, f"{form.bytes:,}", f"{form.largest_difference:.1e}")
    Console().print(table)
