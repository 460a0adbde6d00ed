"""``python -m quantize fusion``."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from quantize.commands.options import MODELS, add_root
from quantize.commands.study_options import write_study

MEASURED = Path("docs/measured/fusion-affectd-1.json")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("fusion", help="score the fusion rules, simulated and on the same performance")
    add_root(parser)
    parser.add_argument("--set", default="", metavar="NAME", help="the model set for the simulated protocol")
    parser.add_argument("--models", type=Path, default=MODELS, metavar="DIR", help="the folder of the sets")
    parser.add_argument(
        "--speech-folds", type=Path, metavar="DIR", help="the set's speech nets of RAVDESS's other folds, *-fK.tflite"
    )
    parser.add_argument("--json", type=Path, default=MEASURED, metavar="OUT", help="default: %(default)s")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Measure, write and print."""
    from quantize.fusion.study import study
    from quantize.fusion.tables import of_study

    measured = study(options.root, models=options.models, model_set=options.set, speech_folds=options.speech_folds)
    write_study(options.json, measured)
    for table in of_study(measured):
        Console().print(table)
