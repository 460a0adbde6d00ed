"""Agreement of the answers of one form of a net with those of another, sample by sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.arrays import FloatArray
from device.readings import EMOTIONS

_STEPS = 100


@dataclass(frozen=True, slots=True)
class Closeness:
    """``agreement`` is the share of samples that both give the same label, in 0…1, ``agreement_by_class`` by class.

    Differences are absolute, of probabilities over all classes.
    """

    agreement: float
    agreement_by_class: dict[str, float]
    mean_difference: float
    largest_difference: float


def closeness(probs: FloatArray, reference: FloatArray, classes: NDArray[np.int64]) -> Closeness:
    """Compare probabilities (n, 7), n at least 1, with others for the same samples; ``classes`` (n,) sorts these."""
    same, off = probs.argmax(axis=1) == reference.argmax(axis=1), np.abs(probs - reference)
    return Closeness(
        agreement=float(same.mean()),
        agreement_by_class={
            str(emotion): float(same[classes == i].mean()) for i, emotion in enumerate(EMOTIONS) if (classes == i).any()
        },
        mean_difference=float(off.mean()),
        largest_difference=float(off.max()),
    )


def difference_quantiles(probs: FloatArray, reference: FloatArray) -> list[float]:
    """Of each sample's largest difference the quantiles 0, 1, … 100 %."""
    largest = np.abs(probs - reference).max(axis=1)
    return [float(q) for q in np.quantile(largest, np.linspace(0, 1, _STEPS + 1))]
