"""Deletion and insertion: hide the points of a map one by one, the most important first, and watch the probability.

After Petsiuk et al. 2018, RISE: Randomized input sampling for explanation of black-box models.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.arrays import FloatArray

_STEPS = 20
TENTH = _STEPS // 10

_Probs = Callable[[FloatArray], NDArray[np.float64]]
"""The label's probability in each of pictures (n, height, width)."""


@dataclass(frozen=True, slots=True)
class Areas:
    """Mean probability of the label while points are hidden (the lower the better) or shown (the higher).

    ``tenth`` is how much it falls when the most important tenth is hidden.
    """

    deletion: float
    insertion: float
    tenth: float

    @property
    def gap(self) -> float:
        """Insertion less deletion, -1…1: 0 for a map without information."""
        return self.insertion - self.deletion


def areas(probs: _Probs, picture: FloatArray, background: FloatArray, attribution: FloatArray) -> Areas:
    """All three of them, (height, width); ``background`` is what stands where a point is hidden."""
    rank = np.empty(picture.size, dtype=np.int64)
    rank[np.argsort(-attribution.ravel(), kind="stable")] = np.arange(picture.size)
    counts = np.arange(_STEPS + 1)[:, np.newaxis, np.newaxis] * picture.size // _STEPS
    first = rank.reshape(picture.shape) < counts
    answers = probs(np.concatenate([np.where(first, background, picture), np.where(first, picture, background)]))
    hidden, shown = answers[: _STEPS + 1], answers[_STEPS + 1 :]
    return Areas(_mean_height(hidden), _mean_height(shown), float(hidden[0] - hidden[TENTH]))


def _mean_height(curve: NDArray[np.float64]) -> float:
    return float((curve[1:] + curve[:-1]).mean() / 2)
