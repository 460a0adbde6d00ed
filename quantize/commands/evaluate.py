"""``python -m quantize evaluate``."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from device.readings import EMOTIONS, Emotion
from quantize import tables
from quantize.commands.options import add_root
from quantize.commands.study_options import kind_of, write_study
from quantize.datasets import NAMES, find_dataset, of_emotions
from quantize.evaluate import evaluate


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("evaluate", help="score a .tflite file, whose card stands beside it, on a corpus")
    parser.add_argument("--model", type=Path, required=True, metavar="FILE")
    parser.add_argument("--dataset", choices=NAMES, required=True)
    add_root(parser)
    parser.add_argument(
        "--classes", type=Emotion, nargs="+", metavar="EMOTION", help=f"only samples of these: {' '.join(EMOTIONS)}"
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all figures there, too")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Score, print and, if asked, write the figures."""
    dataset = find_dataset(options.dataset, kind_of(options.model))
    split = dataset.split(options.root)
    if options.classes:
        split = replace(split, test=of_emotions(split.test, options.classes))
    report = evaluate(options.model, dataset, split)
    Console().print(tables.of_report(report))
    if options.json:
        write_study(options.json, report)
