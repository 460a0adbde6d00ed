"""Decision-level fusion: several modalities' probabilities to one vector, and how much each one counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from device.readings import Modality, Probabilities, Reading


@dataclass(frozen=True, slots=True)
class Fused:
    """Fused probabilities and each present modality's weight; the weights sum to 1."""

    probs: Probabilities
    weights: Mapping[Modality, float]


Rule = Callable[[Mapping[Modality, Reading]], Fused]
"""Takes the present readings, one or more, at most one a modality."""


def average(readings: Mapping[Modality, Reading]) -> Fused:
    """Every modality counts the same: the rule of the published prototype."""
    return _mix(readings, dict.fromkeys(readings, 1.0))


def weighted(readings: Mapping[Modality, Reading]) -> Fused:
    """Every modality counts by its quality: a blurred, dark face or a voice in noise says less."""
    return _mix(readings, {modality: reading.quality for modality, reading in readings.items()})


def max_confidence(readings: Mapping[Modality, Reading]) -> Fused:
    """The surer modality decides alone; the first one does when they are equally sure."""
    surest = max(readings, key=lambda modality: max(readings[modality].probs))
    return _mix(readings, {modality: float(modality is surest) for modality in readings})


RULES: Mapping[str, Rule] = {"average": average, "weighted": weighted, "max_confidence": max_confidence}


def _mix(readings: Mapping[Modality, Reading], raw_weights: Mapping[Modality, float]) -> Fused:
    total = sum(raw_weights.values())
    if total <= 0:  # nothing to choose by
        return average(readings)
    weights = {modality: weight / total for modality, weight in raw_weights.items()}
    mixed = sum(weight * np.asarray(readings[modality].probs) for modality, weight in weights.items())
    return Fused(as_probabilities(np.asarray(mixed)), weights)


def as_probabilities(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Probabilities:
    """Seven non-negative numbers, brought to sum 1."""
    a, b, c, d, e, f, g = (float(v) for v in values / values.sum())
    return a, b, c, d, e, f, g
