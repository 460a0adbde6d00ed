"""Command line: from a corpus to an int8 file and what it is worth."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from rich.console import Console

from quantize.commands import (
    aware,
    calibrate,
    convert,
    export,
    options,
    report,
    studies,
    train,
)

COMMANDS = (train, aware, convert, calibrate, export, studies, report)
"""Training and conversion, studies, reports."""


def run_command_line(arguments: Sequence[str] | None) -> int:
    """Run one command; its exit status. Raises ``AffectdError`` for what goes wrong."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Off by default where the processor lacks AVX-512, though with AVX2, too, nets learn faster with it.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    asked = _parser().parse_args(arguments)
    try:
        if figures := getattr(asked, "json", None):
            options.require_writable(figures)
        asked.command(asked)
    except KeyboardInterrupt:
        kept = (
            "; every finished epoch is kept, the same command goes on from there"
            if getattr(asked, "goes_on", False)
            else ""
        )
        Console(stderr=True, soft_wrap=True).print(f"\nquantize: stopped{kept}")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m quantize", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return parser
