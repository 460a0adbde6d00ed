import numpy as np
import pytest
from numpy.typing import NDArray

from quantize.evaluation.metrics import calibration_error, confusion, score

SURE = 0.94


def guesses(labels: list[int], *, confidence: float = SURE) -> NDArray[np.float32]:
    probs = np.full((len(labels), 7), (1 - confidence) / 6, dtype=np.float32)
    probs[np.arange(len(labels)), labels] = confidence
    return probs


def truth(labels: list[int]) -> NDArray[np.int64]:
    return np.array(labels, dtype=np.int64)


def test_all_right_is_one_everywhere() -> None:
    labels = [0, 1, 2, 3, 4, 5, 6] * 3
    scores = score(guesses(labels), truth(labels), [str(i) for i in range(21)])
    assert (scores.accuracy.value, scores.uar.value, scores.macro_f1) == (1, 1, 1)
    assert scores.calibration_error == pytest.approx(1 - SURE, abs=1e-6)


def test_always_the_frequent_class_has_accuracy_but_no_balance() -> None:
    scores = score(guesses([3] * 100), truth([3] * 90 + [1] * 10), [str(i) for i in range(100)])
    assert scores.accuracy.value == pytest.approx(0.9)
    assert scores.uar.value == pytest.approx(0.5)
    assert scores.classes["disgust"].recall == 0
    assert scores.classes["happy"].precision == pytest.approx(0.9)


def test_precision_recall_and_f1_are_told_apart() -> None:
    happy = score(guesses([3, 3, 3, 0]), truth([3, 0, 0, 3]), list("abcd")).classes["happy"]
    assert (happy.precision, happy.recall, happy.f1) == pytest.approx((1 / 3, 1 / 2, 2 / 5))


def test_rows_are_the_truth() -> None:
    counts = confusion(truth([0, 0, 1]), truth([1, 1, 1]))
    assert counts[0, 1] == 2
    assert counts[1, 1] == 1


def test_a_model_that_is_as_sure_as_it_is_right_is_calibrated() -> None:
    right_in_four_of_five = guesses([0] * 100, confidence=0.8)
    assert calibration_error(right_in_four_of_five, truth([0] * 80 + [1] * 20)) == pytest.approx(0, abs=1e-6)


def test_few_actors_give_wider_intervals_than_as_many_strangers() -> None:
    labels = truth([0] * 200)
    said = guesses([0] * 150 + [1] * 50)
    by_clip = score(said, labels, [str(i) for i in range(200)]).accuracy
    by_actor = score(said, labels, [str(i // 50) for i in range(200)]).accuracy
    assert None not in (by_actor.low, by_clip.low, by_clip.high, by_actor.high)
    ends = np.array([by_actor.low, by_clip.low, 0.75, by_clip.high, by_actor.high], dtype=np.float64)
    assert (np.diff(ends) > 0).all()


def test_intervals_repeat() -> None:
    labels, said = truth([0, 1, 2, 3] * 9), guesses([0, 1, 2, 4] * 9)
    groups = [str(i) for i in range(36)]
    assert score(said, labels, groups) == score(said, labels, groups)


def test_a_class_that_the_corpus_lacks_has_no_figures_but_answering_it_is_wrong() -> None:
    scores = score(guesses([3, 6, 5, 5]), truth([3, 3, 5, 5]), list("abcd"))
    assert set(scores.classes) == {"happy", "sad"}
    assert (scores.accuracy.value, scores.uar.value) == (0.75, 0.75)
