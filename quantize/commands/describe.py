"""``python -m quantize describe``."""

from __future__ import annotations

import argparse
from pathlib import Path

from quantize.checkpoints import write_beside
from quantize.commands.options import MODELS
from quantize.model_card import model_card


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("describe", help="write MODEL_CARD.md from the models' cards")
    parser.add_argument("--out", type=Path, default=MODELS, help="the folder of the models")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Write the page."""
    write_beside(options.out / "MODEL_CARD.md", model_card(options.out).encode())
