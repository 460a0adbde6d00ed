"""``python -m quantize fusion``."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from device.errors import AffectdError
from quantize.checkpoints import write_beside
from quantize.commands.options import MODELS, add_root

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
    try:
        options.json.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AffectdError(f"{options.json}: cannot be written ({error.strerror})") from error
    write_beside(options.json, (json.dumps(asdict(measured), indent=1) + "\n").encode())
    for table in of_study(measured):
        Console().print(table)
