"""Order statistics: quantiles, and the least of what came last, for few values at a fraction of NumPy's cost."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_Value = TypeVar("_Value", float, NDArray[np.float64])


def quantile(ranked: Sequence[float], share: float) -> float:
    """As ``np.quantile`` has it, between neighbours in proportion. ``ranked`` rises and is not empty; 0 ≤ share ≤ 1."""
    below, above, part = _neighbours(len(ranked), share)
    return _between(ranked[below], ranked[above], part)


def column_quantiles(rows: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """As ``np.quantile`` has those of each column: (rows, columns), not ranked, to (columns,)."""
    below, above, part = _neighbours(len(rows), share)
    ranked = np.partition(rows, (below, above), axis=0)
    return np.asarray(_between(ranked[below], ranked[above], part))


def _neighbours(count: int, share: float) -> tuple[int, int, float]:
    place = share * (count - 1)
    below = int(place)
    return below, min(below + 1, count - 1), place - below


def _between(low: _Value, high: _Value, part: float) -> _Value:
    # From the nearer neighbour, as NumPy does, so that the last digit is the same.
    return low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part)


class SlidingMinimum:
    """The least of the last ``length`` numbers: kept are those alone that no later one undercuts."""

    def __init__(self, length: int) -> None:
        self._length, self._count = length, 0
        self._rising: deque[tuple[int, float]] = deque()

    def push(self, value: float) -> float:
        """Take the next one in."""
        while self._rising and self._rising[-1][1] >= value:
            self._rising.pop()
        self._rising.append((self._count, value))
        self._count += 1
        if self._rising[0][0] < self._count - self._length:
            self._rising.popleft()
        return self._rising[0][1]
