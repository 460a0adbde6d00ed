"""Temperature scaling: one number that calibrates probabilities (Guo et al., 2017), fitted on validation parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from quantize.evaluation.metrics import calibration_error, temperature_scaled_rows

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.1, 10.0
TINY = np.finfo(np.float32).tiny


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
        calibration_error_after=calibration_error(temperature_scaled_rows(int8_probs, value), labels),
    )


def fit_temperature(probs: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The temperature in 0.1…10 under which the labels are likeliest, to four digits.

    ``probs`` (samples, 7) should be a float file's: those of an int8 file have steps of 1/256, many are 0.
    """
    logits, rows = np.log(np.maximum(probs, TINY, dtype=np.float64)), np.arange(len(labels))
    return likeliest(lambda sharpness: -float(log_softmax(sharpness * logits, axis=1)[rows, labels].mean()))


def likeliest(loss: Callable[[float], float]) -> float:
    """The temperature in 0.1…10 with the least loss, which is given and convex in its inverse; to four digits."""
    bounds = (1 / MAX_TEMPERATURE, 1 / MIN_TEMPERATURE)
    return round(1 / float(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-5}).x), 4)
