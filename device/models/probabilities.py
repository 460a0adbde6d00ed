"""From a net's output to the probabilities that are fused."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device.models.card import Card, Served
from device.readings import EMOTIONS, Probabilities

LEAST = 1 / 512
"""Half a step of an int8 softmax: an answer that tells 0 of a class may mean anything below this. Its logarithm would
let it overrule the other answers for ever."""


def served(card: Card, output: NDArray[np.float32]) -> Probabilities:
    """What the appliance takes of an emotion net's ``output``, (7,) or (answers, 7), as its card says."""
    return calibrated(pooled(card.served, output), card.served.temperature)


def pooled(how: Served, output: NDArray[np.float32]) -> NDArray[np.floating]:
    """The answers in one, (7,), as yet at no temperature: their weighted geometric mean, each over its prior.

    The logarithmic opinion pool (Genest & Zidek, Combining probability distributions, Statistical Science 1, 1986);
    to divide by the prior is logit adjustment (Menon et al., Long-tail learning via logit adjustment, 2021). An answer
    that is served alone is given as it is, to its last digit.
    """
    answers = output.reshape(-1, len(EMOTIONS))
    counted = [number for number, weight in enumerate(how.weights) if weight]
    if len(counted) == 1 and not how.prior_exponents[counted[0]]:
        return np.asarray(answers[counted[0]])
    logs = sum((how.weights[number] * _adjusted(how, answers, number) for number in counted), np.zeros(len(EMOTIONS)))
    raised = np.exp(logs - logs.max())
    return np.asarray(raised / raised.sum())


def _adjusted(how: Served, answers: NDArray[np.float32], number: int) -> NDArray[np.float64]:
    """The logarithm of one answer less that of its prior, as far as its exponent says."""
    logs: NDArray[np.float64] = np.log(np.maximum(answers[number], LEAST, dtype=np.float64))
    exponent = how.prior_exponents[number]
    return np.asarray(logs - exponent * np.log(how.priors[number])) if exponent else logs


def calibrated(softmax: NDArray[np.floating], temperature: float) -> Probabilities:
    """Softmax probabilities (7,) as if the logits had been divided by ``temperature``: p^(1/T), made to sum to 1.

    Guo et al. 2017, On Calibration of Modern Neural Networks. Above 1 it flattens; the best class stays the best.
    """
    powered = np.maximum(softmax.astype(np.float64), 0.0) ** (1.0 / temperature)
    total = powered.sum()
    even = np.full(len(EMOTIONS), 1.0 / len(EMOTIONS))
    angry, disgust, fear, happy, neutral, sad, surprise = powered / total if total > 0 else even
    return (
        float(angry),
        float(disgust),
        float(fear),
        float(happy),
        float(neutral),
        float(sad),
        float(surprise),
    )
