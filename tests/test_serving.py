"""What is served is chosen by a rule, on validation parts: where the answer is known, the rule must find it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_nets import TINY_FACE, TWO_ANSWERS

from device.config.settings import Settings
from device.models.card import read_card
from quantize.conversion import serving
from quantize.conversion.serving import HeadOutputs, candidates, choose_served, fit_balanced_temperature
from quantize.datasets import Samples
from quantize.evaluation.metrics import heads_in_words
from quantize.recipes.face import AFFECTD_1_FACE
from quantize.studies import served
from quantize.studies.served import threshold
from quantize.training.head_fit import AdjustLogits

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
STUDY = json.loads((ROOT / "docs" / "measured" / "served-affectd-1-face.json").read_text(encoding="utf-8"))
PRIOR = np.array([0.08, 0.02, 0.05, 0.30, 0.31, 0.12, 0.12])

Labels = NDArray[np.int64]


def training(prior: NDArray[np.float64] = PRIOR) -> Samples:
    """Samples whose first answer aims at classes of these shares, and the second at even ones."""
    targets = np.stack([np.tile(prior, (20, 1)), np.full((20, 7), 1 / 7)], axis=1).astype(np.float32)
    return Samples([], [], np.zeros(20, dtype=np.int64), [], targets)


def evidence(labels: Labels, strength: float, seed: int) -> NDArray[np.float64]:
    """Logits that point at the label, in noise."""
    noise = np.random.default_rng(seed).normal(0, 1, (len(labels), 7))
    return noise + strength * np.eye(7)[labels]


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float32]:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), dtype=np.float32)


def said(first: NDArray[np.float64], second: NDArray[np.float64], labels: Labels) -> HeadOutputs:
    answers = np.stack([softmax(first), softmax(second)], axis=1)
    return HeadOutputs(answers, answers, labels)


LABELS = np.tile(np.arange(7), 60)
RECIPE = replace(TWO_ANSWERS, finish=(AdjustLogits("fer2013", 0.5),))


def test_two_witnesses_as_good_of_whom_one_leans_to_what_is_frequent_count_alike_and_it_over_its_prior() -> None:
    crowd, label = (evidence(LABELS, 2.0, seed) for seed in (1, 2))
    own = said(crowd + np.log(PRIOR), label, LABELS)
    choice = choose_served(RECIPE, training(), {"here": own, "there": own})
    assert choice.candidates[0].told == "0.5 crowd over its prior, 0.5 fer2013"
    assert choice.served == choice.candidates[0].served
    assert choice.served.priors[0] == pytest.approx(PRIOR, abs=1e-6)
    assert choice.served.temperature == pytest.approx(
        0.25, rel=0.1
    )  # each alone needs 0.5, and their mean is half as sure


def test_an_answer_that_knows_nothing_has_no_say() -> None:
    nothing, label = evidence(LABELS, 0.0, 1), evidence(LABELS, 3.0, 2)
    choice = choose_served(RECIPE, training(), {"here": said(10 * nothing, label, LABELS)})
    assert choice.candidates[0].told == "fer2013"


def test_kinds_of_labels_count_alike_however_many_pictures_have_one() -> None:
    """The first answer knows one kind of labels and the second the other, of which there are twenty times as many."""
    rng = np.random.default_rng(1)
    other = rng.permutation(LABELS)
    both = said(evidence(LABELS, 3.0, 2), evidence(other, 3.0, 3), LABELS)
    few = HeadOutputs(both.float_outputs[:105], both.int8_outputs[:105], LABELS[:105])
    more = np.concatenate([both.float_outputs] * 5)
    many = HeadOutputs(more, more, np.tile(other, 5))
    choice = choose_served(RECIPE, training(np.full(7, 1 / 7)), {"few": few, "many": many})
    assert choice.served.weights == (0.5, 0.5)
    (alone,) = (c for c in choice.candidates if c.told == "fer2013")
    assert alone.on["many"].accuracy > 0.8 > 0.5 > alone.on["few"].accuracy


def test_all_classes_count_alike_however_rare() -> None:
    labels = np.concatenate([np.full(900, 3), np.full(9, 2)])
    sure_of_happy = np.tile(np.log(np.where(np.arange(7) == 3, 0.9, 0.1 / 6)), (len(labels), 1))
    by_share = fit_balanced_temperature([(softmax(sure_of_happy), labels)])
    without_fear = fit_balanced_temperature([(softmax(sure_of_happy[:900]), labels[:900])])
    assert by_share > 2 > 1 > without_fear


def test_the_candidates_are_each_answer_alone_and_every_mixture_of_the_grid() -> None:
    found = list(candidates(RECIPE, training()))
    names = [heads_in_words(how, RECIPE.heads) for how in found]
    assert len(set(names)) == len(names) == 13
    assert {"crowd", "fer2013", "0.5 crowd, 0.5 fer2013", "0.5 crowd over its prior, 0.5 fer2013"} <= set(names)
    assert "0.75 crowd over its prior^0.5, 0.25 fer2013" in names


def test_what_was_taken_from_an_answer_in_training_is_not_taken_again() -> None:
    assert {how.prior_exponents[1] for how in candidates(TWO_ANSWERS, training())} == {0.0, 0.5, 1.0}
    assert {how.prior_exponents[1] for how in candidates(RECIPE, training())} == {0.0}
    assert all(how.prior_exponents[1] == 0 for how in candidates(AFFECTD_1_FACE, training()))


def test_of_a_net_with_one_answer_that_one_is_served_at_its_temperature() -> None:
    answers = softmax(evidence(LABELS, 2.0, 1))[:, np.newaxis]
    own = HeadOutputs(answers, answers, LABELS)
    choice = choose_served(TINY_FACE, training(), {"here": own})
    assert choice.served.weights == (1.0,)
    assert len(choice.candidates) == 1


def test_the_card_the_float_twins_card_and_the_default_threshold_are_what_the_study_found() -> None:
    assert STUDY["rule"] == serving.SERVING_RULE
    assert STUDY["threshold"]["rule"] == served.THRESHOLD_RULE
    for folder in ("models_tflite", "desktop_server/models"):
        card = read_card(ROOT / folder / "affectd-1-face.json")
        assert json.loads(json.dumps([*card.served.weights, *card.served.prior_exponents])) == [
            *STUDY["served"]["weights"],
            *STUDY["served"]["prior_exponents"],
        ]
        assert card.served.priors[0] == pytest.approx(STUDY["served"]["priors"][0])
        assert card.served.temperature == STUDY["served"]["temperature"]
    assert Settings().fusion.uncertain_below == STUDY["threshold"]["uncertain_below"]


def calibrated_answers(confidences: NDArray[np.float64], right_as_often_as: NDArray[np.float64]) -> served.Parts:
    rest = (1 - confidences) / 6
    probs = np.where(np.arange(7) == 0, confidences[:, np.newaxis], rest[:, np.newaxis]).astype(np.float32)
    labels = np.where(np.random.default_rng(3).random(len(confidences)) < right_as_often_as, 0, 1)
    return [(probs, labels)]


SURE = np.random.default_rng(2).uniform(0.2, 0.99, 20_000)


def test_of_a_net_that_is_right_as_often_as_it_says_the_threshold_is_one_in_three() -> None:
    found = threshold(calibrated_answers(SURE, SURE))
    assert found.uncertain_below == 0.35  # in steps of 0.05
    assert found.slope == pytest.approx(1, abs=0.05)
    assert found.intercept == pytest.approx(0, abs=0.05)
    assert found.unsaid == pytest.approx((0.35 - 0.2) / (0.99 - 0.2), abs=0.01)
    assert found.right_below == pytest.approx(0.275, abs=0.02)


@pytest.mark.parametrize("shift", [-0.6, -0.3, 0.3, 0.6])
def test_a_net_that_is_too_sure_of_itself_gets_a_higher_threshold_and_one_too_modest_a_lower(shift: float) -> None:
    right = 1 / (1 + np.exp(-(np.log(SURE / (1 - SURE)) - shift)))
    wanted = 1 / (1 + np.exp(-(np.log(0.5) + shift)))
    assert threshold(calibrated_answers(SURE, right)).uncertain_below == pytest.approx(wanted, abs=0.05)
