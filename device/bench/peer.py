"""Benchmark of one face frame against a pinned peer on the same picture: processes in the order A B B A."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from device.bench.fresh import LoopFigures, interleaved
from device.bench.statistics import Interval, median_ratio

_FRAMES = 40

OUR_LOOP = Path(__file__).with_name("face_loop_affectd.py")
PEER_LOOP = Path(__file__).with_name("face_loop_fer.py")


@dataclass(frozen=True, slots=True)
class PeerComparison:
    """Median processor time a frame, and peak memory, of each; ``times`` is how many times cheaper ours is."""

    ours_cpu_ms: float
    peer_cpu_ms: float
    times: Interval
    ours_peak_mib: float
    peer_peak_mib: float


def compare_with_peer(peer_python: Path, picture: Path) -> PeerComparison:
    """Raises ``AffectdError`` if one of the two does not run."""
    asked = (str(picture), str(_FRAMES))
    ours, peer = interleaved((sys.executable, str(OUR_LOOP), *asked), (str(peer_python), str(PEER_LOOP), *asked))
    return PeerComparison(
        ours_cpu_ms=_median(ours),
        peer_cpu_ms=_median(peer),
        times=median_ratio([r["cpu_ms"] for r in peer], [r["cpu_ms"] for r in ours]),
        ours_peak_mib=max(r["peak_mib"] for r in ours),
        peer_peak_mib=max(r["peak_mib"] for r in peer),
    )


def _median(runs: list[LoopFigures]) -> float:
    frames = sorted(float(ms) for run in runs for ms in run["cpu_ms"])
    return frames[len(frames) // 2]
