"""What is served of a net's answers: the one function of the appliance, the desktop server and the studies."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from perception import model

from device.models.card import Head, Served, single_head
from device.models.probabilities import pooled, served
from device.readings import EMOTIONS, MIN_PROBABILITY, Emotion

SURE = np.array([0.02, 0.02, 0.02, 0.88, 0.02, 0.02, 0.02], dtype=np.float32)
EVEN = np.full(7, 1 / 7, dtype=np.float32)
PRIOR = (0.08, 0.02, 0.04, 0.28, 0.32, 0.14, 0.12)
BOTH = Served((0.5, 0.5), (PRIOR, ()), (1.0, 0.0), 1.0)


def best(probs: NDArray[np.floating]) -> Emotion:
    return EMOTIONS[int(np.argmax(probs))]


def test_an_answer_alone_is_served_to_its_last_digit() -> None:
    answers = np.stack([EVEN, SURE])
    np.testing.assert_array_equal(pooled(single_head(number=1, heads=2), answers), SURE)
    np.testing.assert_array_equal(pooled(single_head(), SURE), SURE)


def test_two_answers_are_served_as_their_geometric_mean() -> None:
    mean = pooled(replace(BOTH, priors=((), ()), prior_exponents=(0.0, 0.0)), np.stack([SURE, EVEN]))
    expected = np.sqrt(SURE.astype(np.float64) * EVEN)
    np.testing.assert_allclose(mean, expected / expected.sum(), rtol=1e-6)


def test_what_an_answer_owes_to_the_shares_of_its_training_is_taken_from_it() -> None:
    only_what_it_learnt_from = np.array(PRIOR, dtype=np.float32)
    whole = replace(BOTH, weights=(1.0, 0.0))
    np.testing.assert_allclose(pooled(whole, np.stack([only_what_it_learnt_from, SURE])), EVEN, rtol=1e-5)
    half = pooled(replace(whole, prior_exponents=(0.5, 0.0)), np.stack([only_what_it_learnt_from, SURE]))
    expected = np.sqrt(PRIOR)
    np.testing.assert_allclose(half, expected / expected.sum(), rtol=1e-5)


def test_a_fear_that_one_answer_rarely_names_is_named_where_the_other_sees_it() -> None:
    crowd = np.array([0.05, 0.0, 0.25, 0.0, 0.30, 0.10, 0.30], dtype=np.float32)
    label = np.array([0.10, 0.0, 0.45, 0.0, 0.15, 0.15, 0.15], dtype=np.float32)
    assert best(crowd) is Emotion.NEUTRAL
    assert best(pooled(BOTH, np.stack([crowd, label]))) is Emotion.FEAR


def test_a_zero_of_one_answer_does_not_overrule_the_other_for_ever() -> None:
    zero, sure = np.eye(7, dtype=np.float32)[[0, 3]]
    found = pooled(replace(BOTH, priors=((), ()), prior_exponents=(0.0, 0.0)), np.stack([zero, sure]))
    assert found[0] == pytest.approx(found[3])
    assert found[1] == pytest.approx(found[0] * MIN_PROBABILITY**0.5, rel=1e-6)


def test_the_temperature_is_that_of_the_whole() -> None:
    card = replace(model("affectd-1-face").card, served=replace(BOTH, temperature=2.0))
    probs = served(card, np.stack([SURE, EVEN]))
    once = pooled(BOTH, np.stack([SURE, EVEN]))
    np.testing.assert_allclose(probs, np.sqrt(once) / np.sqrt(once).sum(), rtol=1e-6)


steps = st.lists(st.integers(0, 255), min_size=14, max_size=14)


@given(steps)
def test_whatever_an_int8_net_states_what_is_served_are_probabilities(output: list[int]) -> None:
    answers = np.asarray(np.reshape(output, (2, 7)) / 256, dtype=np.float32)
    probs = served(model("affectd-1-face").card, answers)
    assert sum(probs) == pytest.approx(1)
    assert min(probs) > 0


def test_the_face_net_that_ships_serves_both_of_its_answers() -> None:
    card = model("affectd-1-face").card
    assert [answer.name for answer in card.answers] == ["crowd", "fer2013"]
    assert all(card.served.weights)
    neither, crowd, label = (served(card, np.stack(two)) for two in ((EVEN, EVEN), (SURE, EVEN), (EVEN, SURE)))
    happy = EMOTIONS.index(Emotion.HAPPY)
    assert neither[happy] < min(crowd[happy], label[happy])


def test_a_net_with_other_classes_is_served_by_its_card_s_matrix() -> None:
    """Of three classes, positive is joy, negative shared by anger and sadness, and the third neutral."""
    rows = [{"happy": 1.0}, {"angry": 0.5, "sad": 0.5}, {"neutral": 1.0}]
    matrix = tuple(tuple(row.get(str(emotion), 0.0) for emotion in EMOTIONS) for row in rows)
    card = replace(
        model("baseline-face").card,
        labels=("positive", "negative", "neither"),
        class_matrix=matrix,
        answers=(Head("crowd"),),
        served=single_head(),
    )
    probs = served(card, np.array([0.2, 0.7, 0.1], dtype=np.float32))
    assert dict(zip(map(str, EMOTIONS), probs, strict=True)) == pytest.approx(
        {"angry": 0.35, "disgust": 0, "fear": 0, "happy": 0.2, "neutral": 0.1, "sad": 0.35, "surprise": 0}
    )
