"""``python -m quantize layers``."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from quantize import calibration
from quantize.commands.options import add_model, add_net, natural, net_folder, served_of_shipped
from quantize.commands.study_options import write_study
from quantize.layers import LayerReport
from quantize.recipes import find_recipe

SAMPLES = 200


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("layers", help="name the layer of a trained net that int8 hurts")
    add_model(parser)
    add_net(parser)
    parser.add_argument("--calibration", type=Path, help="the pinned calibration set (drawn if it is not there)")
    parser.add_argument("--samples", type=natural, default=SAMPLES, help="of the validation part (default: 200)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all figures there, too")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Measure, print and, if asked, write the figures."""
    from quantize.layers import layer_report

    recipe = find_recipe(options.model)
    pinned = options.calibration or calibration.FOLDER / f"{recipe.id}.json"
    split = recipe.dataset.split(options.root)
    result = layer_report(
        recipe,
        split,
        run=net_folder(options, recipe),
        calibration_path=pinned,
        samples=options.samples,
        served=served_of_shipped(recipe),
    )
    Console().print(_table(result))
    Console(soft_wrap=True).print(result.finding, highlight=False, markup=False)
    if options.json:
        write_study(options.json, result)


def _table(result: LayerReport) -> Table:
    title = f"{result.model}, {result.samples} samples: divergence in thousandths of a nat, labels that change"
    table = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("layer", no_wrap=True)
    for name in ("alone", "labels", "spared", "labels", "signal/noise dB"):
        table.add_column(name, justify="right", no_wrap=True)
    noise = {operation.layer: operation.signal_to_noise_db for operation in result.operations}
    for layer in result.layers:
        harms = (layer.alone, layer.spared)
        told = (text for h in harms for text in (f"{1000 * h.divergence_nats:.3f}", str(h.changed_labels)))
        decibels = noise[layer.layer]
        table.add_row(layer.layer, *told, "" if decibels is None else f"{decibels:.1f}")
    return table
