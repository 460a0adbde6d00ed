import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_readings import face, speech

from device.fusion.rules import RULES, as_probabilities, log_linear
from device.readings import EMOTIONS, Emotion, Modality, Probabilities, Reading


def test_two_who_agree_make_the_product_surer_than_either_and_leave_the_average_as_sure() -> None:
    both = {Modality.FACE: face(0, Emotion.FEAR, 0.6), Modality.SPEECH: speech(0, Emotion.FEAR, 0.6)}
    fear = EMOTIONS.index(Emotion.FEAR)
    assert RULES["average"](both).probs[fear] == pytest.approx(0.6)
    assert RULES["product"](both).probs[fear] == pytest.approx(0.6**2 / (0.6**2 + 6 * (0.4 / 6) ** 2))


def test_an_int8_zero_in_the_face_does_not_veto_a_voice_that_is_certain() -> None:
    half_a_step = 1 / 512
    torn = as_probabilities(np.array([0.5, 0.5, 0, 0, 0, 0, 0]))  # angry or disgust, and a 0 for all else
    both = {Modality.FACE: Reading(Modality.FACE, 0, torn), Modality.SPEECH: speech(0, Emotion.SAD, 1.0)}
    probs = RULES["product"](both).probs
    assert probs[EMOTIONS.index(Emotion.SAD)] == pytest.approx(1 / (1 + 2 * 0.5 + 4 * half_a_step), rel=1e-3)
    assert min(probs) > 0


def test_a_face_that_darkens_fades_out_of_the_product_until_the_voice_states_all() -> None:
    def happiness(quality: float) -> float:
        both = {
            Modality.FACE: face(0, Emotion.HAPPY, 0.9, quality),
            Modality.SPEECH: speech(0, Emotion.SAD, 0.6, quality=0.8),
        }
        return RULES["product"](both).probs[EMOTIONS.index(Emotion.HAPPY)]

    fading = [happiness(quality) for quality in (0.8, 0.4, 0.2, 0.05, 0.0)]
    assert fading == sorted(fading, reverse=True)
    assert fading[-1] == pytest.approx(0.4 / 6)


def test_a_power_states_how_much_a_modality_counts() -> None:
    both = {Modality.FACE: face(0, Emotion.HAPPY, 0.8), Modality.SPEECH: speech(0, Emotion.SAD, 0.8)}
    fused = log_linear({Modality.FACE: 0.6, Modality.SPEECH: 0.2})(both)
    assert fused.weights == pytest.approx({Modality.FACE: 0.75, Modality.SPEECH: 0.25})
    odds = fused.probs[EMOTIONS.index(Emotion.HAPPY)] / fused.probs[EMOTIONS.index(Emotion.SAD)]
    assert odds == pytest.approx((0.8 / (0.2 / 6)) ** (0.6 - 0.2))


vectors = st.lists(st.floats(0.001, 1), min_size=7, max_size=7).map(lambda v: as_probabilities(np.array(v)))


@pytest.mark.slow
@given(vectors, vectors, st.floats(0, 1), st.floats(0, 1), st.sampled_from(sorted(RULES)))
def test_every_rule_gives_probabilities_and_weights_that_sum_to_one(
    a: Probabilities, b: Probabilities, quality_a: float, quality_b: float, rule: str
) -> None:
    fused = RULES[rule](
        {
            Modality.FACE: Reading(Modality.FACE, 0, a, quality_a),
            Modality.SPEECH: Reading(Modality.SPEECH, 0, b, quality_b),
        }
    )
    assert sum(fused.probs) == pytest.approx(1)
    assert sum(fused.weights.values()) == pytest.approx(1)
    assert min(fused.probs) >= 0


@pytest.mark.slow
@given(vectors, st.floats(0, 1), st.sampled_from(sorted(RULES)), st.sampled_from(list(Modality)))
def test_a_modality_alone_is_what_every_rule_states(
    a: Probabilities, quality: float, rule: str, alone: Modality
) -> None:
    fused = RULES[rule]({alone: Reading(alone, 0, a, quality)})
    assert fused.probs == pytest.approx(a)
    assert fused.weights == {alone: 1.0}


@pytest.mark.slow
@given(vectors, vectors, st.floats(0, 1), st.floats(0, 1), st.sampled_from(sorted(RULES)))
def test_no_rule_asks_which_modality_spoke_first(
    a: Probabilities, b: Probabilities, quality_a: float, quality_b: float, rule: str
) -> None:
    said = {
        Modality.FACE: Reading(Modality.FACE, 0, a, quality_a),
        Modality.SPEECH: Reading(Modality.SPEECH, 0, b, quality_b),
    }
    if max(a) != max(b):  # of two that are equally sure, max_confidence takes the first
        assert RULES[rule](dict(reversed(said.items()))).probs == pytest.approx(RULES[rule](said).probs)


int8_vectors = (
    st.lists(st.integers(0, 255), min_size=7, max_size=7).filter(any).map(lambda v: as_probabilities(np.array(v)))
)


@pytest.mark.slow
@given(int8_vectors, int8_vectors, st.sampled_from(["product", "learned"]))
def test_vectors_full_of_zeros_still_make_probabilities(a: Probabilities, b: Probabilities, rule: str) -> None:
    fused = RULES[rule]({Modality.FACE: Reading(Modality.FACE, 0, a), Modality.SPEECH: Reading(Modality.SPEECH, 0, b)})
    assert sum(fused.probs) == pytest.approx(1)
    assert 0 < min(fused.probs) <= max(fused.probs) < 1
