"""Running one command of the workshop, whatever else there is."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from types import ModuleType


def run_command(command: ModuleType, options: Sequence[str], name: str = "") -> None:
    """As ``python -m quantize`` does, but with errors as exceptions; ``name`` is the module's unless given."""
    parser = argparse.ArgumentParser()
    command.add_to(parser.add_subparsers(required=True))
    parsed = parser.parse_args([name or command.__name__.rpartition(".")[2], *options])
    parsed.command(parsed)
