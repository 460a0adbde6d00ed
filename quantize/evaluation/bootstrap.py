"""Group bootstrap: whole groups of samples, such as actors, are drawn again and again for 95 % intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.arrays import BoolArray, DoubleArray
from device.readings import EMOTIONS

BOOTSTRAP_DRAWS = 2000
BOOTSTRAP_SEED = 20


@dataclass(frozen=True, slots=True)
class Figure:
    """A share, or a difference of two, with its 95 % interval; ``None`` where one group gives nothing to draw from."""

    value: float
    low: float | None
    high: float | None


def cells_of(labels: NDArray[np.int64], groups: Sequence[str], *right: BoolArray) -> tuple[list[str], DoubleArray]:
    """The groups' names, and counts by group and class: samples, and how many each got right; (groups, 1 + k, 7)."""
    names, number = np.unique(np.asarray(groups), return_inverse=True)
    cells = np.zeros((len(names), 1 + len(right), len(EMOTIONS)))
    for row, counted in enumerate((np.ones(len(labels)), *right)):
        np.add.at(cells[:, row], (number, labels), counted)
    return [str(name) for name in names], cells


def accuracies(cells: DoubleArray) -> DoubleArray:
    """Of each of the k, from cells (…, 1 + k, 7): (…, k)."""
    counts = cells.sum(axis=-1)
    return np.asarray(counts[..., 1:] / counts[..., :1])


def mean_recalls(cells: DoubleArray) -> DoubleArray:
    """The same over the classes that are there."""
    recalls = cells[..., 1:, :] / np.maximum(cells[..., :1, :], 1)
    return np.asarray(recalls.sum(axis=-1) / (cells[..., :1, :] > 0).sum(axis=-1))


def drawn_times(groups: int, seed: int = BOOTSTRAP_SEED) -> DoubleArray:
    """How often each group is drawn in each resample (draws, groups)."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.multinomial(groups, np.full(groups, 1 / groups), size=BOOTSTRAP_DRAWS), dtype=np.float64)


def resampled(cells: DoubleArray, seed: int = BOOTSTRAP_SEED) -> DoubleArray:
    """Cells of each resample, (draws, 1 + k, 7)."""
    return (drawn_times(len(cells), seed) @ cells.reshape(len(cells), -1)).reshape(-1, *cells.shape[1:])


def percentile_interval(value: float, drawn: DoubleArray, groups: int) -> Figure:
    """A figure with the range of what was drawn; without one if fewer than two ``groups`` can be drawn."""
    if groups < 2:
        return Figure(value, None, None)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Figure(value, float(low), float(high))
