"""``python -m quantize runtimes``."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from quantize.commands.options import add_root
from quantize.commands.study_options import DATASET_OF, kind_of
from quantize.datasets import NAMES, find_dataset


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("runtimes", help="how differently another TFLite runtime answers with the same file")
    parser.add_argument("--model", type=Path, required=True, metavar="FILE")
    parser.add_argument("--dataset", choices=NAMES, help="(default: fer2013 for faces, ravdess for voices)")
    parser.add_argument(
        "--python", type=Path, required=True, help="an interpreter with the other runtime: .venv-tflite/bin/python"
    )
    add_root(parser)
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Compare and print. Raises ``AffectdError``."""
    from quantize.runtimes import compare_runtimes

    kind = kind_of(options.model)
    dataset = find_dataset(options.dataset or DATASET_OF[kind], kind)
    found = compare_runtimes(options.model, dataset, dataset.split(options.root), python=options.python)
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{found.model} on {found.dataset}, {found.samples} samples: {' and '.join(found.runtimes)}")
    renamed, apart = round(found.samples * (1 - found.served.agreement)), 256 * found.served.largest_difference
    console.print(f"as served: {renamed} named otherwise, at most {apart:.1f}/256 apart")
