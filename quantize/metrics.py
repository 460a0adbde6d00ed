"""What a classifier is worth, from its probabilities and the truth alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.readings import EMOTIONS
from quantize.reliability import ReliabilityBin, error, reliability

CLASSES = len(EMOTIONS)
BOOTSTRAP_DRAWS = 2000
BOOTSTRAP_SEED = 20


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


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
    drawn = _bootstrapped_confusions(labels, guesses, groups)
    classes = _class_figures(counts)
    return Scores(
        samples=len(labels),
        accuracy=_figure(_accuracy(counts[np.newaxis]), _accuracy(drawn)),
        uar=_figure(_mean_recall(counts[np.newaxis]), _mean_recall(drawn)),
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


def _bootstrapped_confusions(
    labels: NDArray[np.int64], guesses: NDArray[np.int64], groups: Sequence[str]
) -> NDArray[np.int64]:
    names, number = np.unique(np.asarray(groups), return_inverse=True)
    cells = np.zeros((len(names), CLASSES**2), dtype=np.float32)
    np.add.at(cells, (number, labels * CLASSES + guesses), 1)
    rng = np.random.default_rng(BOOTSTRAP_SEED)
    times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=BOOTSTRAP_DRAWS)
    drawn = times.astype(np.float32) @ cells
    return np.asarray(np.rint(drawn).reshape(-1, CLASSES, CLASSES), dtype=np.int64)


def _accuracy(confusions: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(np.trace(confusions, axis1=1, axis2=2) / confusions.sum(axis=(1, 2)))


def _mean_recall(confusions: NDArray[np.int64]) -> NDArray[np.float64]:
    truths = confusions.sum(axis=2)
    recalls = np.diagonal(confusions, axis1=1, axis2=2) / np.maximum(truths, 1)
    return np.asarray(recalls.sum(axis=1) / np.maximum((truths > 0).sum(axis=1), 1))


def _figure(value: NDArray[np.float64], drawn: NDArray[np.float64]) -> Figure:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Figure(float(value[0]), float(low), float(high))
