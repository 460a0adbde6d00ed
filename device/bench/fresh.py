"""Benchmarks in fresh processes, in the order A B B A: neither rival inherits memory or a quiet moment."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from device.errors import AffectdError

ROUNDS = 2
"""ABBA twice: four processes of each."""

LoopFigures = dict[str, Any]


def interleaved(one: Sequence[str], other: Sequence[str]) -> tuple[list[LoopFigures], list[LoopFigures]]:
    """What each command says in JSON on its last line, four times. Raises ``AffectdError`` if one does not run."""
    ones, others = [], []
    for _ in range(ROUNDS):
        ones.append(_run(one))
        others += [_run(other), _run(other)]
        ones.append(_run(one))
    return ones, others


def peak_mib() -> float:
    """The most memory that this process has had. Not ru_maxrss, which knows of the parent's, too."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024


def _run(command: Sequence[str]) -> LoopFigures:
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        last_line = answer.stderr.strip().splitlines()[-1:] or ["no message"]
        raise AffectdError(f"{' '.join(command[:3])}: {last_line[0]}")
    figures: LoopFigures = json.loads(answer.stdout.strip().splitlines()[-1])
    return figures
