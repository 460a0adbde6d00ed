"""Fairness of speech models between men and women: figures by sex, drawn and permuted by actor, not by clip."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.arrays import DoubleArray
from quantize.datasets import Dataset, DatasetError, Samples
from quantize.evaluation.bootstrap import (
    BOOTSTRAP_SEED,
    Figure,
    accuracies,
    cells_of,
    mean_recalls,
    percentile_interval,
    resampled,
)
from quantize.evaluation.evaluate import Version
from quantize.evaluation.metrics import CLASSES
from quantize.studies.pooled import (
    Case,
    Files,
    Part,
    SampleProbs,
    open_cases,
    pooled_answers,
    pooled_samples,
    shipped_of,
)


class Sex(StrEnum):
    """As the corpora divide people; none of them knows a third."""

    FEMALE = "female"
    MALE = "male"


_PROTOCOL = (
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
    accuracy: Figure
    uar: Figure


@dataclass(frozen=True, slots=True)
class Gap:
    """Male minus female. ``p``, two-sided: how often sexes dealt out to the actors by chance differ as much."""

    difference: Figure
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

    @property
    def made_of(self) -> tuple[Version, ...]:
        """The files."""
        return tuple(part.version for part in self.parts)

    @property
    def model(self) -> str:
        """The net that ships."""
        return shipped_of(self.parts)


def study(files: Files, root: Path) -> Fairness:
    """Score speech files on the corpora under ``root`` and compare the sexes. Raises ``DatasetError``.

    Also where somebody's sex is not known.
    """
    sexes = [sexes_of(dataset, root) for _, dataset in files]
    if any(other != sexes[0] for other in sexes):
        raise DatasetError("the data sets are of different corpora, which differ in more than who speaks; take one")
    return score_fairness(open_cases(files, root), sexes[0])


def score_fairness(cases: Sequence[Case], sexes: Mapping[str, Sex]) -> Fairness:
    """Score the cases; ``sexes`` names that of each group, which is an actor. Raises ``DatasetError``."""
    samples = pooled_samples(cases)
    if unknown := sorted(set(samples.groups) - set(sexes)):
        raise DatasetError(f"nobody knows which sex {', '.join(unknown)} is; leave these speakers out")
    return compare_sexes([case.part for case in cases], samples, pooled_answers(cases, "speech"), sexes)


def compare_sexes(parts: Sequence[Part], samples: Samples, given: SampleProbs, sexes: Mapping[str, Sex]) -> Fairness:
    """The figures from the answers to all samples alone."""
    names, cells = cells_of(samples.labels, samples.groups, given.right(samples.labels))
    missed = np.bincount(np.searchsorted(names, samples.groups), weights=~given.read, minlength=len(names))
    own = np.array([sexes[name] for name in names])
    return Fairness(
        protocol=_PROTOCOL,
        parts=tuple(parts),
        samples=len(samples),
        by_sex=tuple(_of_sex(sex, cells[own == sex], missed[own == sex]) for sex in Sex if np.any(own == sex)),
        accuracy_gap=_gap(accuracies, cells, own == Sex.MALE),
        uar_gap=_gap(mean_recalls, cells, own == Sex.MALE),
        actors=tuple(
            ActorFigures(name, sexes[name], int(cell[0].sum()), int(lost), float(accuracies(cell)[0]))
            for name, cell, lost in zip(names, cells, missed, strict=True)
        ),
    )


def _of_sex(sex: Sex, cells: DoubleArray, missed: DoubleArray) -> SexFigures:
    whole, drawn = cells.sum(axis=0), resampled(cells, _SEEDS[sex])
    return SexFigures(
        sex=sex,
        actors=len(cells),
        samples=int(whole[0].sum()),
        without_reading=int(missed.sum()),
        accuracy=percentile_interval(float(accuracies(whole)[0]), accuracies(drawn), len(cells)),
        uar=percentile_interval(float(mean_recalls(whole)[0]), mean_recalls(drawn), len(cells)),
    )


def _gap(statistic: Callable[[DoubleArray], DoubleArray], cells: DoubleArray, male: NDArray[np.bool_]) -> Gap | None:
    fewest = min(int(male.sum()), int((~male).sum()))
    if not fewest:
        return None
    rng = np.random.default_rng(PERMUTATION_SEED)
    dealt = rng.permuted(np.repeat(male[np.newaxis], PERMUTATIONS, axis=0), axis=1)
    observed = _differences(statistic, cells, male[np.newaxis])[0]
    by_chance = _differences(statistic, cells, dealt)
    men, women = (resampled(cells[own], _SEEDS[sex]) for sex, own in ((Sex.MALE, male), (Sex.FEMALE, ~male)))
    drawn = statistic(men) - statistic(women)
    as_far = int(np.sum(np.abs(by_chance) >= abs(observed) - _ROUNDING))
    # The sexes as they are count as one of the deals, so p is never 0 (Phipson & Smyth, 2010).
    return Gap(percentile_interval(float(observed), drawn, fewest), (as_far + 1) / (PERMUTATIONS + 1), PERMUTATIONS)


def _differences(
    statistic: Callable[[DoubleArray], DoubleArray], cells: DoubleArray, male: NDArray[np.bool_]
) -> DoubleArray:
    """Male minus female for each row of ``male`` (n, actors)."""
    flat = cells.reshape(len(cells), -1)
    men, women = ((who @ flat).reshape(-1, 2, CLASSES) for who in (male.astype(float), (~male).astype(float)))
    return (statistic(men) - statistic(women))[:, 0]


DEMOGRAPHICS = "VideoDemographics.csv"

# Odd numbers are men.
_RAVDESS = {f"Actor_{number:02d}": Sex.MALE if number % 2 else Sex.FEMALE for number in range(1, 25)}
_TESS = dict.fromkeys(("OA", "YA"), Sex.FEMALE)
# As in the authors' own data.tsv (github.com/amu-cai/nEMO).
_NEMO = {
    **dict.fromkeys(("EB0", "IC0", "KD0", "MK0"), Sex.FEMALE),
    **dict.fromkeys(("KS0", "MP0", "SM0", "TP0", "WR0"), Sex.MALE),
}
# As in the authors' documentation (emodb.bilderbar.info).
_EMODB = {
    **dict.fromkeys(("08", "09", "13", "14", "16"), Sex.FEMALE),
    **dict.fromkeys(("03", "10", "11", "12", "15"), Sex.MALE),
}


def sexes_of(dataset: Dataset, root: Path) -> Mapping[str, Sex]:
    """The sex of a corpus's actors, by group. Raises ``DatasetError`` where it is not known."""
    match dataset.folder or dataset.name:
        case "ravdess":
            return _RAVDESS
        case "tess":
            return _TESS
        case "nemo":
            return _NEMO
        case "emodb":
            return _EMODB
        case "crema_d":
            return _crema_d(root)
        case _:
            raise DatasetError(f"{dataset.name} does not say who is a man; ravdess, crema_d, nemo, emodb and tess do")


def _crema_d(root: Path) -> dict[str, Sex]:
    folders = (root, root / "crema_d", root / "crema_d_votes")
    path = next((folder / DEMOGRAPHICS for folder in folders if (folder / DEMOGRAPHICS).is_file()), None)
    if path is None:
        raise DatasetError(
            f"{root / 'crema_d'}: {DEMOGRAPHICS}, which says who is a man, is not there; "
            "get it from 'CREMA-D' (github.com/CheyneyComputerScience/CREMA-D)"
        )
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row["ActorID"]: Sex(row["Sex"].lower()) for row in csv.DictReader(file)}
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(f"{path}: not CREMA-D's table of actors ({error}); get it again") from error
