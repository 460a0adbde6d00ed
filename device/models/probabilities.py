"""From a net's output to the probabilities that are fused: pooling, temperature scaling, classes to emotions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device.models.card import Card, Served
from device.readings import MIN_PROBABILITY, Probabilities, probabilities


def served(card: Card, output: NDArray[np.float32]) -> Probabilities:
    """What the appliance takes of an emotion net's ``output``, (classes,) or (heads, classes), as its card says."""
    probs = _tempered(pooled(card.served, output), card.served.temperature)
    return probabilities(probs @ np.asarray(card.class_matrix) if card.class_matrix else probs)


def pooled(how: Served, output: NDArray[np.float32]) -> NDArray[np.floating]:
    """The heads in one, (classes,), as yet at no temperature: their weighted geometric mean, each over its prior.

    The logarithmic opinion pool (Genest & Zidek, Combining probability distributions, Statistical Science 1, 1986);
    to divide by the prior is logit adjustment (Menon et al., Long-tail learning via logit adjustment, 2021). A head
    that is served alone is given as it is, to its last digit.
    """
    answers = output.reshape(len(how.weights), -1)
    counted = [number for number, weight in enumerate(how.weights) if weight]
    if len(counted) == 1 and not how.prior_exponents[counted[0]]:
        return np.asarray(answers[counted[0]])
    logs = sum(
        (how.weights[number] * _adjusted(how, answers, number) for number in counted), np.zeros(answers.shape[1])
    )
    raised = np.exp(logs - logs.max())
    return np.asarray(raised / raised.sum())


def _adjusted(how: Served, answers: NDArray[np.float32], number: int) -> NDArray[np.float64]:
    """The logarithm of one head less that of its prior, as far as its exponent says."""
    logs: NDArray[np.float64] = np.log(np.maximum(answers[number], MIN_PROBABILITY, dtype=np.float64))
    exponent = how.prior_exponents[number]
    return np.asarray(logs - exponent * np.log(how.priors[number])) if exponent else logs


def temperature_scaled(softmax: NDArray[np.floating], temperature: float) -> Probabilities:
    """Temperature scaling: softmax (7,) as if the logits had been divided by ``temperature``, p^(1/T), of sum 1.

    Guo et al. 2017, On Calibration of Modern Neural Networks. Above 1 it flattens; the best class stays the best.
    """
    return probabilities(_tempered(softmax, temperature))


def _tempered(softmax: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    powered = np.maximum(softmax.astype(np.float64), 0.0) ** (1.0 / temperature)
    total = powered.sum()
    even = np.full(len(softmax), 1.0 / len(softmax))
    return np.asarray(powered / total if total > 0 else even)
