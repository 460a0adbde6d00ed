"""Benchmark of one face frame against a pinned peer on the same picture: processes in the order A B B A."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from device.bench.fresh import Figures, interleaved
from device.bench.statistics import Interval, median_ratio

FRAMES = 40

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
    asked = (str(picture), str(FRAMES))
    ours, peer = interleaved((sys.executable, str(OURS), *asked), (str(peer_python), str(PEERS), *asked))
    return Comparison(
        ours_cpu_ms=_median(ours),
        peer_cpu_ms=_median(peer),
        times=median_ratio([r["cpu_ms"] for r in peer], [r["cpu_ms"] for r in ours]),
        ours_peak_mib=max(r["peak_mib"] for r in ours),
        peer_peak_mib=max(r["peak_mib"] for r in peer),
    )


def _median(runs: list[Figures]) -> float:
    frames = sorted(float(ms) for run in runs for ms in run["cpu_ms"])
    return frames[len(frames) // 2]
