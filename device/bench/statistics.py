"""Medians with their uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


def median_ratio(over: Sequence[Sequence[float]], under: Sequence[Sequence[float]]) -> Interval:
    """How many times the median of ``over`` is that of ``under``; each is a list of processes' measurements.

    Processes are resampled, then measurements within them: what differs from start to start is in the interval.
    """
    random = np.random.default_rng(0)
    ratios = [_resampled_median(over, random) / _resampled_median(under, random) for _ in range(RESAMPLES)]
    value = float(np.median(np.concatenate(over)) / np.median(np.concatenate(under)))
    return Interval(value, *(float(q) for q in np.quantile(ratios, [0.025, 0.975])))


def _resampled_median(processes: Sequence[Sequence[float]], random: np.random.Generator) -> float:
    chosen = random.integers(len(processes), size=len(processes))
    return float(np.median(np.concatenate([random.choice(processes[i], len(processes[i])) for i in chosen])))
