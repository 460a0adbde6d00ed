"""What each precision costs on this machine: time of a net's run, and memory of a process that has both nets."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from desktop_server.comparison.sides import Side
from desktop_server.inference.provider import Provider
from device.bench.fresh import LoopFigures, interleaved
from device.bench.statistics import Interval, median_ratio


@dataclass(frozen=True, slots=True)
class NetCost:
    """Median milliseconds of one run on one sample; ``times`` is float32's over int8's."""

    int8_ms: float
    float32_ms: float
    times: Interval


@dataclass(frozen=True, slots=True)
class Cost:
    """Nets by kind, and the peak memory of a process that finds faces and runs both."""

    machine: str
    processes: int
    nets: dict[str, NetCost]
    int8_peak_mib: float
    float32_peak_mib: float


def measure_cost(int8: Side, full: Side, kinds: Sequence[str], provider: Provider) -> Cost:
    """Fresh processes of each in turn, one thread a net. Raises ``AffectdError`` if one does not run."""
    int8_runs, full_runs = interleaved(_command(int8, provider), _command(full, provider))
    return Cost(
        machine=platform.processor() or platform.machine(),
        processes=len(int8_runs),
        nets={kind: _net(kind, int8_runs, full_runs) for kind in kinds},
        int8_peak_mib=max(run["peak_mib"] for run in int8_runs),
        float32_peak_mib=max(run["peak_mib"] for run in full_runs),
    )


def _command(side: Side, provider: Provider) -> tuple[str, ...]:
    loop = "desktop_server.comparison.cost_loop"
    return (sys.executable, "-m", loop, side.precision, side.models.name, provider)


def _net(kind: str, int8_runs: list[LoopFigures], full_runs: list[LoopFigures]) -> NetCost:
    int8, full = ([run["ms"][kind] for run in runs] for runs in (int8_runs, full_runs))
    return NetCost(_median(int8), _median(full), median_ratio(full, int8))


def _median(runs: list[list[float]]) -> float:
    return median(ms for run in runs for ms in run)
