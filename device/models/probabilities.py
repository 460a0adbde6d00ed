"""From a net's output to the probabilities that are fused."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device.models.card import Card
from device.readings import EMOTIONS, Probabilities


def served(card: Card, output: NDArray[np.float32]) -> Probabilities:
    """What the appliance takes of an emotion net's ``output``: its first answer, at that one's temperature."""
    return calibrated(answer(output, 0), card.answers[0].temperature)


def answer(output: NDArray[np.float32], number: int) -> NDArray[np.float32]:
    """The softmax (7,) of one answer in an output of (7,) or (answers, 7)."""
    return np.asarray(output.reshape(-1, len(EMOTIONS))[number])


def calibrated(softmax: NDArray[np.float32], temperature: float) -> Probabilities:
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
