"""From a corpus to an int8 file and what it is worth."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from rich.console import Console

from quantize.commands import (
    against,
    aware,
    calibrate,
    compare,
    convert,
    describe,
    evaluate,
    export,
    fairness,
    fusion,
    layers,
    prosody,
    protocol,
    refit,
    report,
    robustness,
    runtimes,
    served,
    server_models,
    train,
)
from quantize.commands.study_options import require_writable

COMMANDS = (
    *(train, aware, convert, calibrate, served, export, server_models, evaluate),
    *(against, compare, layers, refit, protocol, robustness, fairness, fusion, prosody, runtimes),
    *(report, describe),
)
"""What is made, what is measured, and what is told."""
GO_ON = (train.run, protocol.run)
"""Those that keep a checkpoint of every epoch and go on from the last one."""


def run(arguments: Sequence[str] | None) -> int:
    """Run one command; its exit status. Raises ``AffectdError`` for what goes wrong."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Off by default where the processor lacks AVX-512, though with AVX2, too, nets learn faster with it.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    options = _parser().parse_args(arguments)
    try:
        if figures := getattr(options, "json", None):
            require_writable(figures)
        options.command(options)
    except KeyboardInterrupt:
        kept = "; every finished epoch is kept, the same command goes on from there" if options.command in GO_ON else ""
        Console(stderr=True, soft_wrap=True).print(f"\nquantize: stopped{kept}")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m quantize", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return parser
