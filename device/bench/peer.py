"""One face frame, all in, against a pinned peer on the same picture in the same run: processes in the order A B B A."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from device.bench.statistics import Interval, median_ratio
from device.errors import AffectdError

FRAMES = 40
ROUNDS = 2
"""ABBA twice: four processes of each."""

OURS = Path(__file__).with_name("face_loop_affectd.py")
PEERS = Path(__file__).with_name("face_loop_fer.py")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Median processor time a frame, and peak memory, of each; ``times`` is how many times cheaper ours is."""

    ours_cpu_ms: float
    peer_cpu_ms: float
    times: Interval
    ours_peak_mib: float
    peer_peak_mib: float


def compare(peer_python: Path, picture: Path) -> Comparison:
    """Raises ``AffectdError`` if one of the two does not run."""
    ours, peer = [], []
    for _ in range(ROUNDS):
        ours.append(_run(Path(sys.executable), OURS, picture))
        peer += [_run(peer_python, PEERS, picture), _run(peer_python, PEERS, picture)]
        ours.append(_run(Path(sys.executable), OURS, picture))
    return Comparison(
        ours_cpu_ms=_median(ours),
        peer_cpu_ms=_median(peer),
        times=median_ratio([r.cpu_ms for r in peer], [r.cpu_ms for r in ours]),
        ours_peak_mib=max(r.peak_mib for r in ours),
        peer_peak_mib=max(r.peak_mib for r in peer),
    )


@dataclass(frozen=True, slots=True)
class _Run:
    cpu_ms: list[float]
    peak_mib: float


def _run(python: Path, script: Path, picture: Path) -> _Run:
    answer = subprocess.run(
        [str(python), str(script), str(picture), str(FRAMES)], capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        last_line = answer.stderr.strip().splitlines()[-1:] or ["no message"]
        raise AffectdError(f"{python} {script.name}: {last_line[0]}")
    return _Run(**json.loads(answer.stdout.strip().splitlines()[-1]))


def _median(runs: list[_Run]) -> float:
    frames = sorted(ms for run in runs for ms in run.cpu_ms)
    return frames[len(frames) // 2]
