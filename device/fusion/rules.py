"""Decision-level fusion: several modalities' probabilities to one vector, and how much each one counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from device.readings import MIN_PROBABILITY, RULE_NAMES, Modality, Probabilities, Reading, probabilities

EVEN: Mapping[Modality, float] = dict.fromkeys(Modality, 1.0)
LEARNED: Mapping[Modality, float] = {Modality.FACE: 0.9, Modality.SPEECH: 0.7}
"""The powers under which the emotions of RAVDESS's 24 actors, seen and heard in the same performance, are likeliest.

Made by ``python -m quantize fusion``; docs/measured/fusion-affectd-1.json has them as ``learned``. Forms with a bias or
a power for each class did no better. They are below 1 because face and voice err together: paired at random they come
nearer to it.
"""


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


def log_linear(powers: Mapping[Modality, float]) -> Rule:
    """The rule that multiplies the modalities' probabilities, each raised to its power (above 0).

    The logarithmic opinion pool (Genest & Zidek, Combining probability distributions, Statistical Science 1, 1986).
    With both powers 1 it is Bayes' rule for two witnesses who err independently, with all emotions equally likely
    beforehand. Each modality's weight is its share of the powers.
    """

    def rule(readings: Mapping[Modality, Reading]) -> Fused:
        if len(readings) == 1:
            return average(readings)
        raised = _by_quality(readings, powers)
        logs = sum(raised[m] * np.log(np.maximum(readings[m].probs, MIN_PROBABILITY)) for m in readings)
        total = sum(raised.values())
        return Fused(as_probabilities(np.exp(logs - np.max(logs))), {m: raised[m] / total for m in readings})

    return rule


product = log_linear(EVEN)
learned = log_linear(LEARNED)

RULES: Mapping[str, Rule] = dict(zip(RULE_NAMES, (average, weighted, max_confidence, product, learned), strict=True))


def _by_quality(readings: Mapping[Modality, Reading], powers: Mapping[Modality, float]) -> dict[Modality, float]:
    """The powers at the readings' qualities. Of two equally good readings each has its own.

    As one of them gets worse, its power falls to 0 and the other's goes to 1: a face that darkens fades out, and what
    stays is what the voice says alone. A bad picture thus vetoes nothing, though a product lets a good one do so.
    """
    best, *others = sorted(readings, key=lambda modality: readings[modality].quality, reverse=True)
    top = readings[best].quality
    shares = {modality: readings[modality].quality / top if top > 0 else 1.0 for modality in others}
    together = max(shares.values())
    return {
        best: together * powers.get(best, 1.0) + (1 - together),
        **{modality: share * powers.get(modality, 1.0) for modality, share in shares.items()},
    }


def _mix(readings: Mapping[Modality, Reading], raw_weights: Mapping[Modality, float]) -> Fused:
    total = sum(raw_weights.values())
    if total <= 0:  # nothing to choose by
        return average(readings)
    weights = {modality: weight / total for modality, weight in raw_weights.items()}
    mixed = sum(weight * np.asarray(readings[modality].probs) for modality, weight in weights.items())
    return Fused(as_probabilities(np.asarray(mixed)), weights)


def as_probabilities(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Probabilities:
    """Non-negative numbers, one an emotion, brought to sum 1."""
    return probabilities(values / values.sum())
