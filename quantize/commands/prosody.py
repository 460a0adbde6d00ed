"""``python -m quantize prosody``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from quantize.commands.options import MODELS, WITNESSES, add_root
from quantize.commands.study_options import add_json, write_study

if TYPE_CHECKING:
    from quantize.prosody_ways import Trial


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("prosody", help="what prosody is to count in a speech net, chosen without the scores")
    parser.add_argument("--model", type=Path, default=MODELS / "affectd-1-speech.tflite", metavar="FILE")
    parser.add_argument(
        "--witnesses", type=Path, default=WITNESSES, metavar="DIR", help="its nets of other folds and corpora"
    )
    add_root(parser)
    add_json(parser, "prosody-affectd-1-speech")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Measure, write and print."""
    from quantize.prosody_study import study
    from quantize.prosody_ways import chosen

    found = study(options.model, options.witnesses, options.root)
    write_study(options.json, found)
    ways = sum(trial.way.strength > 0 for trial in found.trials)
    title = f"{found.model}, {ways} ways, and none: RAVDESS accuracy, TESS and nEMO UAR of four classes"
    table = Table("chosen by", "shares", "ridge", "strength", "ravdess %", "tess %", "nemo %", title=title)
    for choice in found.choices:
        own = f"{100 * choice.scores.uar.value:.1f}"
        table.add_row(f"{' and '.join(choice.chosen_by)}: {choice.corpus} {own}", *_told(choice.trial))
    table.add_row("all three", *_told(chosen(found.trials, tuple(found.shipped.scores))))
    table.add_row("(shipped)", *_told(found.shipped))
    Console().print(table)


def _told(trial: Trial) -> list[str]:
    fit = trial.way.fit
    shares = ":".join(f"{share:.2g}" for share in fit.shares.values())
    figures = [
        f"{100 * trial.scores[name]:.1f}" if name in trial.scores else "" for name in ("ravdess", "tess", "nemo")
    ]
    return [shares, f"{fit.ridge:g}", f"{trial.way.strength:g}", *figures]
