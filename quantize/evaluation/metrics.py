"""Metrics of a classifier, from its probabilities and the labels alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.models.card import Served
from device.models.probabilities import pooled, temperature_scaled
from device.readings import EMOTIONS
from quantize.evaluation.bootstrap import Figure, accuracies, cells_of, mean_recalls, percentile_interval, resampled
from quantize.evaluation.reliability import ReliabilityBin, error, reliability

CLASSES = len(EMOTIONS)


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One class's precision, recall and F1 in 0…1, and how many samples have it."""

    precision: float
    recall: float
    f1: float
    samples: int


@dataclass(frozen=True, slots=True)
class Scores:
    """All figures of one model on one set, in 0…1; rows of ``confusion`` are the truth.

    ``classes``, ``macro_f1`` and ``uar``, the mean recall, are of the classes that the set has; an answer of another
    one is wrong like any other. ``reliability`` has the bins of ``calibration_error`` that are not empty.
    """

    samples: int
    accuracy: Figure
    uar: Figure
    macro_f1: float
    calibration_error: float
    reliability: list[ReliabilityBin]
    classes: dict[str, ClassFigures]
    confusion: list[list[int]]


def score(probs: NDArray[np.float32], labels: NDArray[np.int64], groups: Sequence[str]) -> Scores:
    """Score probabilities (samples, 7); the intervals draw whole groups: actors, or pictures."""
    guesses = probs.argmax(axis=1)
    counts = confusion(labels, guesses)
    classes = _class_figures(counts)
    names, cells = cells_of(labels, groups, guesses == labels)
    whole, drawn = cells.sum(axis=0), resampled(cells)
    return Scores(
        samples=len(labels),
        accuracy=percentile_interval(float(accuracies(whole)[0]), accuracies(drawn), len(names)),
        uar=percentile_interval(float(mean_recalls(whole)[0]), mean_recalls(drawn), len(names)),
        macro_f1=float(np.mean([c.f1 for c in classes.values()])),
        calibration_error=calibration_error(probs, labels),
        reliability=reliability(probs, labels),
        classes=classes,
        confusion=[[int(n) for n in row] for row in counts],
    )


def confusion(labels: NDArray[np.int64], guesses: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts (7, 7): truth by row, guess by column."""
    cells = np.bincount(labels * CLASSES + guesses, minlength=CLASSES**2)
    return np.asarray(cells.reshape(CLASSES, CLASSES), dtype=np.int64)


def calibration_error(probs: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Expected calibration error: how far confidence is from accuracy, in 15 equal bins of confidence."""
    return error(reliability(probs, labels))


def _class_figures(counts: NDArray[np.int64]) -> dict[str, ClassFigures]:
    figures = {}
    for i, emotion in enumerate(EMOTIONS):
        hit, truth, guessed = int(counts[i, i]), int(counts[i].sum()), int(counts[:, i].sum())
        if not truth:
            continue
        figures[str(emotion)] = ClassFigures(
            precision=hit / max(guessed, 1),
            recall=hit / truth,
            f1=2 * hit / (truth + guessed),
            samples=truth,
        )
    return figures


def head_of(outputs: NDArray[Any], number: int = 0) -> NDArray[np.float32]:
    """Probabilities, float32 (n, 7), of outputs (n, 7) or (n, heads, 7): the first head's or another one's."""
    return np.asarray(outputs.reshape(len(outputs), -1, CLASSES)[:, number], dtype=np.float32)


def served_of(how: Served, outputs: NDArray[Any]) -> NDArray[np.float32]:
    """Probabilities, float32 (n, 7), as the appliance serves outputs (n, 7) or (n, heads, 7) of a net."""
    return temperature_scaled_rows(pooled_of(how, outputs), how.temperature)


def pooled_of(how: Served, outputs: NDArray[Any]) -> NDArray[np.float32]:
    """The same, as yet at no temperature."""
    return np.array([pooled(how, output) for output in outputs], dtype=np.float32).reshape(-1, CLASSES)


def temperature_scaled_rows(probs: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Probabilities (samples, 7) as the appliance fuses them; at 1 they are the net's own, to the last digit."""
    if temperature == 1:
        return probs
    return np.array([temperature_scaled(answer, temperature) for answer in probs], dtype=np.float32)


def heads_in_words(how: Served, names: tuple[str, ...]) -> str:
    """What is served of heads of these names, in words: ``acted``, or ``0.5 crowd over its prior, 0.5 fer2013``."""
    parts = zip(names, how.weights, how.prior_exponents, strict=True)
    counted = [(name, weight, exponent) for name, weight, exponent in parts if weight]
    shares = [name if weight == 1 else f"{weight:g} {name}" for name, weight, _ in counted]
    return ", ".join(share + _over_prior(exponent) for share, (_, _, exponent) in zip(shares, counted, strict=True))


def _over_prior(exponent: float) -> str:
    if not exponent:
        return ""
    return " over its prior" if exponent == 1 else f" over its prior^{exponent:g}"
