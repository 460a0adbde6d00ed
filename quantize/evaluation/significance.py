"""Significance tests of two classifiers, or of one under two conditions, on the same samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from device.arrays import BoolArray, DoubleArray
from quantize.evaluation.bootstrap import Figure, accuracies, cells_of, mean_recalls, percentile_interval, resampled

_MAX_EXACT = 50
_ALL_GROUPS_THE_SAME = 1e-12
"""Differences of shares of samples are this near to each other only where they are equal but for rounding."""


@dataclass(frozen=True, slots=True)
class Paired:
    """The first against the second on the same samples; differences are second minus first.

    The intervals draw whole groups. ``mcnemar_p`` is exact and takes samples as
    independent, so where a group is an actor it is too sure; ``t_p`` and ``wilcoxon_p`` take the accuracies of each
    group as pairs. They are 1 if nothing differs, and ``None`` where they have no answer: of one group, or if all
    groups differ by exactly the same (t). No p is corrected for the number of comparisons.
    """

    samples: int
    groups: int
    first_accuracy: float
    second_accuracy: float
    accuracy_difference: Figure
    first_uar: float
    second_uar: float
    uar_difference: Figure
    both_right: int
    only_first_right: int
    only_second_right: int
    both_wrong: int
    mcnemar_p: float
    t_p: float | None
    wilcoxon_p: float | None


def compare(
    first_right: BoolArray, second_right: BoolArray, labels: NDArray[np.int64], groups: Sequence[str]
) -> Paired:
    """Compare which of the samples, at least one, each got right; all four are of the same length."""
    names, cells = cells_of(labels, groups, first_right, second_right)
    whole, drawn = cells.sum(axis=0), resampled(cells)
    (first, second), (first_uar, second_uar) = accuracies(whole), mean_recalls(whole)
    by_group = np.diff(accuracies(cells))[:, 0]
    only_first, only_second = int(np.sum(first_right & ~second_right)), int(np.sum(second_right & ~first_right))
    return Paired(
        samples=len(labels),
        groups=len(names),
        first_accuracy=float(first),
        second_accuracy=float(second),
        accuracy_difference=percentile_interval(float(second - first), np.diff(accuracies(drawn)), len(names)),
        first_uar=float(first_uar),
        second_uar=float(second_uar),
        uar_difference=percentile_interval(float(second_uar - first_uar), np.diff(mean_recalls(drawn)), len(names)),
        both_right=int(np.sum(first_right & second_right)),
        only_first_right=only_first,
        only_second_right=only_second,
        both_wrong=int(np.sum(~first_right & ~second_right)),
        mcnemar_p=mcnemar_p(only_first, only_second),
        t_p=t_p(by_group),
        wilcoxon_p=wilcoxon_p(by_group),
    )


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Two-sided exact p of McNemar's test (1947), from the samples that only one got right; 1 if there is none."""
    discordant = only_first + only_second
    return float(stats.binomtest(only_first, discordant).pvalue) if discordant else 1.0


def t_p(differences: DoubleArray) -> float | None:
    """Two-sided p of the paired t test, of the differences of the pairs."""
    if len(differences) < 2:
        return None
    if not np.any(differences):
        return 1.0
    if np.ptp(differences) < _ALL_GROUPS_THE_SAME:
        return None
    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def wilcoxon_p(differences: DoubleArray) -> float | None:
    """Two-sided p of the signed-rank test (Wilcoxon, 1945), of the differences of the pairs; zeros are left out.

    Exact, also where differences tie, up to 50 of them; by the normal approximation beyond.
    """
    if len(differences) < 2:
        return None
    # Ranks need ties to be ties: 0.3 - 0.2 is not 0.2 - 0.1.
    differing = differences[differences != 0].round(12)
    if not len(differing):
        return 1.0
    if len(differing) > _MAX_EXACT:
        return float(stats.wilcoxon(differing, method="asymptotic").pvalue)
    # Tied ranks are halves. SciPy would shuffle signs for them, which takes seconds.
    doubled = np.rint(2 * stats.rankdata(np.abs(differing))).astype(int)
    chances = _signed_rank_chances(doubled)
    rank_sum = int(doubled[differing > 0].sum())
    return float(min(1.0, 2 * min(chances[: rank_sum + 1].sum(), chances[rank_sum:].sum())))


def _signed_rank_chances(ranks: NDArray[np.int64]) -> DoubleArray:
    """How likely each sum of the ranks of positive differences is where every sign is a fair coin."""
    chances = np.zeros(int(ranks.sum()) + 1)
    chances[0] = 1.0
    for rank in ranks:
        chances /= 2
        chances[rank:] += chances[:-rank].copy()
    return chances
