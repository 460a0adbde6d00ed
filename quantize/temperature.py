"""One number that makes a net's probabilities mean what they say (Guo et al., 2017), fitted on validation data."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantize.answers import tempered
from quantize.metrics import calibration_error

SHARPEST, FLATTEST = 0.1, 10.0
PRECISION = 1e-4
LEAST = np.finfo(np.float32).tiny
GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class FittedTemperature:
    """A temperature and what it does to the int8 file's calibration error on the samples that it was fitted on."""

    value: float
    samples: int
    calibration_error_before: float
    calibration_error_after: float


def fitted_temperature(
    float_probs: NDArray[np.float32], int8_probs: NDArray[np.float32], labels: NDArray[np.int64]
) -> FittedTemperature:
    """The temperature of a net from its two files' answers (samples, 7) on the validation part."""
    value = fit_temperature(float_probs, labels)
    return FittedTemperature(
        value=value,
        samples=len(labels),
        calibration_error_before=calibration_error(int8_probs, labels),
        calibration_error_after=calibration_error(tempered(int8_probs, value), labels),
    )


def fit_temperature(probs: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The temperature in 0.1…10 under which the labels are likeliest, to four digits.

    ``probs`` (samples, 7) should be a float file's: those of an int8 file have steps of 1/256, many are 0.
    """
    logits = np.log(np.maximum(probs, LEAST, dtype=np.float64))
    low, high = 1 / FLATTEST, 1 / SHARPEST
    # The loss is convex in 1/T, so a golden-section search finds its one minimum.
    while high - low > PRECISION * low:
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        if _loss(left * logits, labels) < _loss(right * logits, labels):
            high = right
        else:
            low = left
    return round(2 / (low + high), 4)


def _loss(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    highest = logits.max(axis=1)
    total = highest + np.log(np.exp(logits - highest[:, np.newaxis]).sum(axis=1))
    return float((total - logits[np.arange(len(labels)), labels]).mean())
