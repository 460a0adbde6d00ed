"""Better or only luckier: pairs of classifiers whose difference is known."""

import math
from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from quantize.evaluation.metrics import score
from quantize.evaluation.significance import compare, mcnemar_p, t_p, wilcoxon_p

ACTORS = [f"actor {i}" for i in range(20) for _ in range(50)]


def labels_of(count: int) -> NDArray[np.int64]:
    return np.arange(count, dtype=np.int64) % 7


def right(shares: Iterable[float], *, each: int = 50, seed: int = 0) -> NDArray[np.bool_]:
    """For each group, ``each`` samples of which so large a share is right."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(each) < share * each for share in shares])


def test_a_classifier_that_is_ten_points_better_for_everybody_is_found_better() -> None:
    rng = np.random.default_rng(3)
    skill = rng.uniform(0.4, 0.6, 20)
    pair = compare(right(skill), right(skill + 0.1 + rng.normal(0, 0.02, 20), seed=1), labels_of(1000), ACTORS)
    gain = pair.accuracy_difference
    assert gain.value == pytest.approx(0.1, abs=0.02)
    assert gain.low is not None
    assert gain.high is not None
    assert 0 < gain.low < gain.value < gain.high < 0.2
    assert max(pair.mcnemar_p, pair.t_p or 0, pair.wilcoxon_p or 0) < 1e-3
    assert pair.second_accuracy - pair.first_accuracy == pytest.approx(gain.value)


@pytest.mark.slow
def test_two_that_are_as_good_are_seldom_told_apart() -> None:
    found = []
    for seed in range(60):
        first, second = (np.random.default_rng([seed, which]).random(1000) < 0.5 for which in (0, 1))
        pair = compare(first, second, labels_of(1000), ACTORS)
        found.append([p < 0.05 for p in (pair.mcnemar_p, pair.t_p or 0, pair.wilcoxon_p or 0)])
    assert np.mean(found, axis=0).max() < 0.15


def test_a_gain_for_one_actor_alone_convinces_mcnemar_but_not_the_tests_over_actors() -> None:
    first = right([0.5] * 20)
    second = first.copy()
    second[:50] = True
    pair = compare(first, second, labels_of(1000), ACTORS)
    assert pair.mcnemar_p < 1e-6
    assert pair.t_p is not None
    assert pair.t_p > 0.3
    assert pair.wilcoxon_p == pytest.approx(1.0)
    assert pair.accuracy_difference.low == 0


def test_each_sample_is_counted_in_one_of_four_cells() -> None:
    first, second = np.array([True, True, False, False, True]), np.array([True, False, True, False, False])
    pair = compare(first, second, labels_of(5), list("abcde"))
    assert (pair.both_right, pair.only_first_right, pair.only_second_right, pair.both_wrong) == (1, 2, 1, 1)
    assert (pair.samples, pair.groups) == (5, 5)
    assert pair.mcnemar_p == 1.0


def test_the_same_answers_differ_by_nothing_at_all() -> None:
    same = right([0.3, 0.6, 0.9], each=7)
    pair = compare(same, same, labels_of(21), [str(i // 7) for i in range(21)])
    for difference in (pair.accuracy_difference, pair.uar_difference):
        assert (difference.value, difference.low, difference.high) == (0, 0, 0)
    assert (pair.mcnemar_p, pair.t_p, pair.wilcoxon_p) == (1.0, 1.0, 1.0)


def test_one_actor_gives_a_difference_but_neither_interval_nor_p_over_actors() -> None:
    pair = compare(right([0.2]), right([0.8]), labels_of(50), ["only one"] * 50)
    gain = pair.accuracy_difference
    assert gain.value == pytest.approx(0.6)
    assert {gain.low, gain.high, pair.t_p, pair.wilcoxon_p} == {None}
    assert pair.mcnemar_p < 1e-4


def test_actors_who_all_gain_the_same_have_no_spread_that_t_could_use() -> None:
    actors = [str(i // 10) for i in range(30)]
    pair = compare(right([0.2, 0.4, 0.6], each=10), right([0.4, 0.6, 0.8], each=10), labels_of(30), actors)
    assert pair.t_p is None
    assert pair.wilcoxon_p == pytest.approx(0.25)


def test_p_is_what_its_definition_says() -> None:
    assert mcnemar_p(2, 10) == pytest.approx(2 * sum(math.comb(12, k) for k in range(3)) / 2**12)
    assert mcnemar_p(0, 0) == 1.0
    differences = np.array([0.1, 0.2, -0.05, 0.15, 0.3])
    expected = differences.mean() / (differences.std(ddof=1) / math.sqrt(5))
    assert t_p(differences) == pytest.approx(2 * stats.t.sf(expected, 4))
    assert wilcoxon_p(differences) == pytest.approx(2 * 2 / 2**5)  # rank sums 0 and 1 of 32, both sides
    tied = np.array([0.1, 0.1, -0.1, 0.2])  # of 16 ways to sign them four give so much or more
    assert wilcoxon_p(tied) == pytest.approx(2 * (1 + 3) / 2**4)


def test_the_signed_ranks_of_a_few_actors_are_as_likely_as_scipy_says_where_it_is_exact() -> None:
    differences = np.random.default_rng(4).normal(0.3, 1, 24)
    assert wilcoxon_p(differences) == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)
    assert wilcoxon_p(np.tile(differences, 3)) == pytest.approx(stats.wilcoxon(np.tile(differences, 3)).pvalue)


def test_the_interval_draws_the_same_groups_as_the_scores_do() -> None:
    rng = np.random.default_rng(8)
    labels, guesses = rng.integers(0, 7, 1000), rng.integers(0, 7, 1000)
    guesses = np.where(rng.random(1000) < 0.5, labels, guesses)
    scores = score(np.eye(7, dtype=np.float32)[guesses], labels, ACTORS)
    against_nothing = compare(np.zeros(1000, dtype=np.bool_), guesses == labels, labels, ACTORS)
    for own, theirs in (
        (against_nothing.accuracy_difference, scores.accuracy),
        (against_nothing.uar_difference, scores.uar),
    ):
        assert (own.value, own.low, own.high) == pytest.approx((theirs.value, theirs.low, theirs.high))


def test_swapped_classifiers_swap_the_sign_and_keep_every_p() -> None:
    first, second = right([0.4] * 10 + [0.6] * 10), right([0.5] * 20, seed=5)
    there, back = (compare(*pair, labels_of(1000), ACTORS) for pair in ((first, second), (second, first)))
    assert there.accuracy_difference.value == -back.accuracy_difference.value
    assert there.uar_difference.low == pytest.approx(-(back.uar_difference.high or 0))
    assert (there.mcnemar_p, there.wilcoxon_p) == (back.mcnemar_p, back.wilcoxon_p)
    assert there.t_p == pytest.approx(back.t_p)
