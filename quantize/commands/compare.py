"""``python -m quantize compare``."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from quantize import calibration
from quantize.commands.options import add_model, add_net, net_folder, served_of_shipped
from quantize.commands.study_options import write_study
from quantize.formats import Comparison, Form
from quantize.recipes import find_recipe
from quantize.tables import percent


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("compare", help="score a trained net as float32, float16, dynamic-range and int8 file")
    add_model(parser)
    add_net(parser)
    parser.add_argument("--calibration", type=Path, help="the pinned calibration set (drawn if it is not there)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all figures there, too")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Convert to every form, score, print and, if asked, write the figures."""
    from quantize.formats import compare

    recipe = find_recipe(options.model)
    pinned = options.calibration or calibration.FOLDER / f"{recipe.id}.json"
    split = recipe.dataset.split(options.root)
    run_of_net, served = net_folder(options, recipe), served_of_shipped(recipe)
    result = compare(recipe, split, run=run_of_net, calibration_path=pinned, served=served)
    Console().print(_table(result))
    if options.json:
        write_study(options.json, result)


def _table(result: Comparison) -> Table:
    samples = result.forms[0].test.samples
    title = f"{result.model} on {result.dataset}, {samples} samples; labels, probabilities and p against float32"
    table = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("format", no_wrap=True)
    for name in ("kB", "accuracy %", "UAR %", "same %", "most", "p"):
        table.add_column(name, justify="right", no_wrap=True)
    for form in result.forms:
        table.add_row(
            form.format,
            f"{form.bytes / 1000:.0f}",
            percent(form.test.accuracy),
            percent(form.test.uar),
            *_off(form),
        )
    return table


def _off(form: Form) -> tuple[str, ...]:
    off = form.against_float32
    if off is None:
        return ("", "", "")
    return f"{100 * off.agreement:.1f}", f"{off.largest_difference:.3f}", f"{off.mcnemar_p:.2g}"
