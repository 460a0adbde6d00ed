"""What of a net's outputs is one answer, and what is served of all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.models.card import Served
from device.models.probabilities import calibrated, pooled
from quantize.metrics import CLASSES


def answer_of(outputs: NDArray[Any], number: int = 0) -> NDArray[np.float32]:
    """Probabilities, float32 (n, 7), of outputs (n, 7) or (n, answers, 7): the first answer's or another one's."""
    return np.asarray(outputs.reshape(len(outputs), -1, CLASSES)[:, number], dtype=np.float32)


def served_of(how: Served, outputs: NDArray[Any]) -> NDArray[np.float32]:
    """Probabilities, float32 (n, 7), as the appliance serves outputs (n, 7) or (n, answers, 7) of a net."""
    return tempered(pooled_of(how, outputs), how.temperature)


def pooled_of(how: Served, outputs: NDArray[Any]) -> NDArray[np.float32]:
    """The same, as yet at no temperature."""
    return np.array([pooled(how, output) for output in outputs], dtype=np.float32).reshape(-1, CLASSES)


def tempered(probs: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Probabilities (samples, 7) as the appliance fuses them; at 1 they are the net's own, to the last digit."""
    if temperature == 1:
        return probs
    return np.array([calibrated(answer, temperature) for answer in probs], dtype=np.float32)


def told(how: Served, names: tuple[str, ...]) -> str:
    """What is served of answers of these names, in words: ``acted``, or ``0.5 crowd over its prior, 0.5 fer2013``."""
    parts = zip(names, how.weights, how.prior_exponents, strict=True)
    counted = [(name, weight, exponent) for name, weight, exponent in parts if weight]
    shares = [name if weight == 1 else f"{weight:g} {name}" for name, weight, _ in counted]
    return ", ".join(share + _over_prior(exponent) for share, (_, _, exponent) in zip(shares, counted, strict=True))


def _over_prior(exponent: float) -> str:
    if not exponent:
        return ""
    return " over its prior" if exponent == 1 else f" over its prior^{exponent:g}"
