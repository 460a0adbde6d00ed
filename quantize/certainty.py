"""From which confidence on a label is right often enough to be said: what `fusion.uncertain_below` is set by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

LEAST_RIGHT = 0.4
"""A label that is right in fewer than two of five cases is not said: three of the seven emotions would do as well."""
STEP = 0.05
RULE = (
    "The share of right labels is fitted as a logistic function of the logarithm of the odds of the confidence (Cox, "
    "1958), all kinds of labels weighted alike. A label is said from the confidence on, in steps of 0.05, at which "
    f"{LEAST_RIGHT:.0%} are right."
)
_SURE = 1 - 1e-6

Parts = Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]]


@dataclass(frozen=True, slots=True)
class Threshold:
    """The rule, its logistic function (a slope of 1 and an intercept of 0 are calibrated), and what it gives.

    ``unsaid`` is the share of samples that stay below ``uncertain_below``, and ``right_below`` that of right labels
    among these, in 0…1, all kinds of labels weighted alike.
    """

    rule: str
    slope: float
    intercept: float
    uncertain_below: float
    unsaid: float
    right_below: float


def threshold(parts: Parts) -> Threshold:
    """Apply the rule to probabilities (n, 7) and labels (n,), one pair for each kind of labels."""
    odds, right, weights = (np.concatenate(each) for each in zip(*map(_of_part, parts), strict=True))

    def loss(line: NDArray[np.float64]) -> float:
        logits = line[0] * odds + line[1]
        return float((weights * (np.logaddexp(0, logits) - right * logits)).sum())

    slope, intercept = (float(number) for number in minimize(loss, np.array([1.0, 0.0]), method="BFGS").x)
    wanted = (np.log(LEAST_RIGHT / (1 - LEAST_RIGHT)) - intercept) / slope
    uncertain_below = round(round(float(1 / (1 + np.exp(-wanted))) / STEP) * STEP, 2)
    below = odds < np.log(uncertain_below / (1 - uncertain_below))
    unsaid = float(weights[below].sum() / weights.sum())
    right_below = float((weights * right)[below].sum() / weights[below].sum()) if below.any() else 0.0
    return Threshold(RULE, slope, intercept, uncertain_below, unsaid, right_below)


def _of_part(part: tuple[NDArray[np.float32], NDArray[np.int64]]) -> tuple[NDArray[np.float64], ...]:
    """Logarithms of the odds, what is right (0 or 1), and weights that sum to 1."""
    probs, labels = part
    confidence = np.minimum(probs.max(axis=1).astype(np.float64), _SURE)
    odds = np.log(confidence / (1 - confidence))
    return odds, (probs.argmax(axis=1) == labels).astype(np.float64), np.full(len(labels), 1 / len(labels))
