"""Whether speech is read as well of men as of women: figures by sex, drawn and permuted by actor, not by clip."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantize.cases import Answers, Case, Part, pooled_answers, pooled_samples
from quantize.datasets import DatasetError, Samples
from quantize.metrics import BOOTSTRAP_SEED, CLASSES
from quantize.paired import Interval, drawn_times
from quantize.sexes import Sex

Floats = NDArray[np.float64]

PROTOCOL = (
    "every sample of each part's test, through the appliance's own features; one without a reading is not right; "
    "intervals draw actors, and p deals the sexes out to the actors by chance"
)
PERMUTATIONS = 10_000
PERMUTATION_SEED = 21
_ROUNDING = 1e-12
_SEEDS = {Sex.FEMALE: BOOTSTRAP_SEED, Sex.MALE: BOOTSTRAP_SEED + 1}
"""Two, so that as many women as men are not drawn in step."""


@dataclass(frozen=True, slots=True)
class ActorFigures:
    """One actor's share of right readings, in 0…1; a sample without a reading is not right."""

    actor: str
    sex: Sex
    samples: int
    without_reading: int
    accuracy: float


@dataclass(frozen=True, slots=True)
class SexFigures:
    """The same of all actors of one sex, in 0…1, with intervals that draw actors."""

    sex: Sex
    actors: int
    samples: int
    without_reading: int
    accuracy: Interval
    uar: Interval


@dataclass(frozen=True, slots=True)
class Gap:
    """Male minus female. ``p``, two-sided: how often sexes dealt out to the actors by chance differ as much."""

    difference: Interval
    p: float
    permutations: int


@dataclass(frozen=True, slots=True)
class Fairness:
    """Figures by sex and by actor of all parts together; the gaps are ``None`` where all are of one sex."""

    protocol: str
    parts: tuple[Part, ...]
    samples: int
    by_sex: tuple[SexFigures, ...]
    accuracy_gap: Gap | None
    uar_gap: Gap | None
    actors: tuple[ActorFigures, ...]


def study(cases: Sequence[Case], sexes: Mapping[str, Sex]) -> Fairness:
    """Score the cases and compare the sexes; ``sexes`` names that of each group, which is an actor.

    Raises ``DatasetError`` if somebody's is not known.
    """
    samples = pooled_samples(cases)
    if unknown := sorted(set(samples.groups) - set(sexes)):
        raise DatasetError(f"nobody knows which sex {', '.join(unknown)} is; leave these speakers out")
    return compare_sexes([case.part for case in cases], samples, pooled_answers(cases, "speech"), sexes)


def compare_sexes(parts: Sequence[Part], samples: Samples, given: Answers, sexes: Mapping[str, Sex]) -> Fairness:
    """The figures from the answers to all samples alone."""
    names, number = np.unique(np.asarray(samples.groups), return_inverse=True)
    cells = _cells(number, samples.labels, given.right(samples.labels))
    missed = np.bincount(number, weights=~given.read)
    own = np.array([sexes[name] for name in names])
    return Fairness(
        protocol=PROTOCOL,
        parts=tuple(parts),
        samples=len(samples),
        by_sex=tuple(_of_sex(sex, cells[own == sex], missed[own == sex]) for sex in Sex if np.any(own == sex)),
        accuracy_gap=_gap(_accuracy, cells, own == Sex.MALE),
        uar_gap=_gap(_mean_recall, cells, own == Sex.MALE),
        actors=tuple(
            ActorFigures(str(name), sexes[name], int(cell[0].sum()), int(lost), float(_accuracy(cell)))
            for name, cell, lost in zip(names, cells, missed, strict=True)
        ),
    )


def _cells(number: NDArray[np.intp], labels: NDArray[np.int64], right: NDArray[np.bool_]) -> Floats:
    """By actor and class: samples, and how many were read right; (actors, 2, 7)."""
    cells = np.zeros((number.max() + 1, 2, CLASSES))
    np.add.at(cells[:, 0], (number, labels), 1)
    np.add.at(cells[:, 1], (number, labels), right)
    return cells


def _of_sex(sex: Sex, cells: Floats, missed: Floats) -> SexFigures:
    whole, drawn = cells.sum(axis=0), _drawn(cells, sex)
    return SexFigures(
        sex=sex,
        actors=len(cells),
        samples=int(whole[0].sum()),
        without_reading=int(missed.sum()),
        accuracy=_interval(_accuracy(whole), _accuracy(drawn), len(cells)),
        uar=_interval(_mean_recall(whole), _mean_recall(drawn), len(cells)),
    )


def _gap(statistic: Callable[[Floats], Floats], cells: Floats, male: NDArray[np.bool_]) -> Gap | None:
    fewest = min(int(male.sum()), int((~male).sum()))
    if not fewest:
        return None
    rng = np.random.default_rng(PERMUTATION_SEED)
    dealt = rng.permuted(np.repeat(male[np.newaxis], PERMUTATIONS, axis=0), axis=1)
    observed = _differences(statistic, cells, male[np.newaxis])[0]
    by_chance = _differences(statistic, cells, dealt)
    drawn = statistic(_drawn(cells[male], Sex.MALE)) - statistic(_drawn(cells[~male], Sex.FEMALE))
    as_far = int(np.sum(np.abs(by_chance) >= abs(observed) - _ROUNDING))
    # The sexes as they are count as one of the deals, so p is never 0 (Phipson & Smyth, 2010).
    return Gap(_interval(observed, drawn, fewest), (as_far + 1) / (PERMUTATIONS + 1), PERMUTATIONS)


def _differences(statistic: Callable[[Floats], Floats], cells: Floats, male: NDArray[np.bool_]) -> Floats:
    """Male minus female for each row of ``male`` (n, actors)."""
    flat = cells.reshape(len(cells), -1)
    men, women = ((who @ flat).reshape(-1, 2, CLASSES) for who in (male.astype(float), (~male).astype(float)))
    return statistic(men) - statistic(women)


def _drawn(cells: Floats, sex: Sex) -> Floats:
    return (drawn_times(len(cells), _SEEDS[sex]) @ cells.reshape(len(cells), -1)).reshape(-1, 2, CLASSES)


def _accuracy(cells: Floats) -> Floats:
    """Of cells (…, 2, 7)."""
    counts = cells.sum(axis=-1)
    return np.asarray(counts[..., 1] / counts[..., 0])


def _mean_recall(cells: Floats) -> Floats:
    """Over the classes that are there, of cells (…, 2, 7)."""
    recalls = cells[..., 1, :] / np.maximum(cells[..., 0, :], 1)
    return np.asarray(recalls.sum(axis=-1) / (cells[..., 0, :] > 0).sum(axis=-1))


def _interval(value: Floats, drawn: Floats, actors: int) -> Interval:
    if actors < 2:
        return Interval(float(value), None, None)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Interval(float(value), float(low), float(high))
