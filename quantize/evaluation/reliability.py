"""Reliability diagram: confidence against accuracy, in bins, and the expected calibration error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CALIBRATION_BINS = 15
"""As Guo et al., 2017 ("On calibration of modern neural networks")."""
_DRAWS, _SEED = 2000, 1


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The answers whose confidence is in one bin: their mean confidence, and the share that is right, in 0…1."""

    samples: int
    confidence: float
    accuracy: float


Bins = Sequence[ReliabilityBin]


def reliability(probs: NDArray[np.float32], labels: NDArray[np.int64]) -> list[ReliabilityBin]:
    """What 15 equal bins of confidence hold; empty ones are left out."""
    confidence = probs.max(axis=1)
    right = probs.argmax(axis=1) == labels
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return [
        ReliabilityBin(int((bins == b).sum()), float(confidence[bins == b].mean()), float(right[bins == b].mean()))
        for b in np.unique(bins)
    ]


def error(bins: Bins) -> float:
    """Expected calibration error: how far confidence is from accuracy, by how many answers there are."""
    return sum(own.samples * abs(own.accuracy - own.confidence) for own in bins) / _answers(bins)


def error_by_chance(bins: Bins) -> float:
    """The mean error of as many answers, as sure as these, of a net that is right exactly as often as it says.

    It is not 0: few answers in a bin are hardly ever right in just that share (Bröcker & Smith, 2007).
    """
    rng = np.random.default_rng(_SEED)
    off = [np.abs(rng.binomial(own.samples, own.confidence, _DRAWS) - own.samples * own.confidence) for own in bins]
    return float(np.sum(off, axis=0).mean() / _answers(bins))


def _answers(bins: Bins) -> int:
    return sum(own.samples for own in bins)
