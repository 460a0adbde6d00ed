import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.fusion.circumplex import valence_arousal
from device.fusion.fuse import Fusion
from device.fusion.rules import RULES, as_probabilities, log_linear
from device.readings import EMOTIONS, NOBODY, UNCERTAIN, Emotion, Modality, Probabilities, Reading

SECOND = 1_000_000_000


def surely(emotion: Emotion, p: float = 0.94) -> Probabilities:
    rest = (1 - p) / 6
    return as_probabilities(np.array([p if e is emotion else rest for e in EMOTIONS]))


def face(at_s: float, emotion: Emotion, p: float = 0.94, quality: float = 1.0) -> Reading:
    return Reading(Modality.FACE, int(at_s * SECOND), surely(emotion, p), quality)


def speech(at_s: float, emotion: Emotion, p: float = 0.94, quality: float = 1.0) -> Reading:
    return Reading(Modality.SPEECH, int(at_s * SECOND), surely(emotion, p), quality)


def fusion(rule: str = "average", smooth_s: float = 0.0, hold_s: float = 0.0, uncertain_below: float = 0.4) -> Fusion:
    return Fusion(
        rule=rule,
        fresh_s={Modality.FACE: 1.0, Modality.SPEECH: 2.0},
        smooth_s=smooth_s,
        hold_s=hold_s,
        uncertain_below=uncertain_below,
    )


def test_average_is_the_mean_of_the_two_posteriors() -> None:
    fuse = fusion("average")
    fuse.step(face(0, Emotion.HAPPY, 0.7))
    estimate = fuse.step(speech(0, Emotion.SAD, 0.4))
    happy, sad = EMOTIONS.index(Emotion.HAPPY), EMOTIONS.index(Emotion.SAD)
    assert estimate.probs is not None
    assert estimate.probs[happy] == pytest.approx((0.7 + 0.1) / 2)
    assert estimate.probs[sad] == pytest.approx((0.05 + 0.4) / 2)
    assert [estimate.modalities[m].weight for m in Modality] == [0.5, 0.5]


def test_weighted_trusts_a_sharp_face_over_a_voice_in_noise() -> None:
    fuse = fusion("weighted")
    fuse.step(speech(0, Emotion.ANGRY, 0.9, quality=0.1))
    estimate = fuse.step(face(0, Emotion.HAPPY, 0.6, quality=0.9))
    assert estimate.label == Emotion.HAPPY
    assert estimate.modalities[Modality.FACE].weight == pytest.approx(0.9)


def test_weighted_without_any_quality_falls_back_to_the_average() -> None:
    fuse = fusion("weighted")
    fuse.step(speech(0, Emotion.ANGRY, quality=0.0))
    estimate = fuse.step(face(0, Emotion.HAPPY, quality=0.0))
    assert estimate.modalities[Modality.FACE].weight == 0.5


def test_max_confidence_lets_the_surer_one_decide_alone() -> None:
    fuse = fusion("max_confidence")
    fuse.step(face(0, Emotion.NEUTRAL, 0.6))
    estimate = fuse.step(speech(0, Emotion.ANGRY, 0.8))
    assert estimate.label == Emotion.ANGRY
    assert (estimate.modalities[Modality.FACE].weight, estimate.modalities[Modality.SPEECH].weight) == (0.0, 1.0)


def test_when_the_face_is_gone_the_voice_carries_on_alone() -> None:
    fuse = fusion()
    fuse.step(face(0, Emotion.HAPPY))
    estimate = fuse.step(speech(1.5, Emotion.SAD))
    assert estimate.label == Emotion.SAD
    assert not estimate.modalities[Modality.FACE].present
    assert estimate.modalities[Modality.SPEECH].weight == 1.0


def test_a_face_that_left_is_said_by_the_next_tick_and_only_once() -> None:
    fuse = fusion()
    fuse.step(face(0, Emotion.HAPPY))
    assert fuse.tick(int(0.9 * SECOND)) is None
    gone = fuse.tick(int(1.1 * SECOND))
    assert gone is not None
    assert (gone.label, gone.probs, gone.confidence) == (NOBODY, None, 0.0)
    assert fuse.tick(int(1.2 * SECOND)) is None


def test_an_empty_room_is_still_reported_every_second() -> None:
    fuse = fusion()
    said = [fuse.tick(int(t * SECOND / 4)) for t in range(21)]
    assert [e.label for e in said if e] == [NOBODY] * 5


def test_two_seconds_of_joy_survive_one_blurred_frame() -> None:
    fuse = fusion(hold_s=0.5)
    labels = [fuse.step(face(t / 10, Emotion.SAD if t == 10 else Emotion.HAPPY)).label for t in range(20)]
    assert set(labels) == {Emotion.HAPPY}


def test_a_change_that_lasts_is_said_after_the_hold_time() -> None:
    fuse = fusion(hold_s=0.5)
    labels = [fuse.step(face(t / 10, Emotion.HAPPY if t < 10 else Emotion.SAD)).label for t in range(20)]
    assert labels.index(Emotion.SAD) == 15


def test_the_confidence_is_that_of_the_label_also_while_another_one_leads() -> None:
    fuse = fusion(hold_s=0.5)
    fuse.step(face(0, Emotion.HAPPY, 0.9))
    held = fuse.step(face(0.1, Emotion.SAD, 0.7))
    assert held.label == Emotion.HAPPY
    assert held.confidence == pytest.approx(0.05)


def test_smoothing_has_gone_63_percent_of_the_way_after_its_time_constant() -> None:
    fuse = fusion(smooth_s=1.0)
    fuse.step(face(0, Emotion.SAD, 1.0))
    estimate = fuse.step(face(1, Emotion.HAPPY, 1.0))
    assert estimate.probs is not None
    assert estimate.probs[EMOTIONS.index(Emotion.HAPPY)] == pytest.approx(0.632, abs=1e-3)


def test_it_says_when_it_does_not_know() -> None:
    estimate = fusion(uncertain_below=0.4).step(face(0, Emotion.HAPPY, 0.35))
    assert estimate.label == UNCERTAIN
    assert estimate.confidence == pytest.approx(0.35)


def test_a_late_reading_does_not_turn_time_back() -> None:
    fuse = fusion()
    fuse.step(face(5, Emotion.HAPPY))
    late = fuse.step(face(4.9, Emotion.SAD))
    assert late.captured_ns == 5 * SECOND
    assert late.label == Emotion.HAPPY


def test_pure_emotions_lie_where_the_source_puts_them() -> None:
    assert valence_arousal(surely(Emotion.HAPPY, 1.0)) == pytest.approx((0.81, 0.51))
    assert valence_arousal(surely(Emotion.NEUTRAL, 1.0)) == (0, 0)


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


def test_a_face_that_darkens_fades_out_of_the_product_until_the_voice_says_all() -> None:
    def happiness(quality: float) -> float:
        both = {
            Modality.FACE: face(0, Emotion.HAPPY, 0.9, quality),
            Modality.SPEECH: speech(0, Emotion.SAD, 0.6, quality=0.8),
        }
        return RULES["product"](both).probs[EMOTIONS.index(Emotion.HAPPY)]

    fading = [happiness(quality) for quality in (0.8, 0.4, 0.2, 0.05, 0.0)]
    assert fading == sorted(fading, reverse=True)
    assert fading[-1] == pytest.approx(0.4 / 6)


def test_a_power_says_how_much_a_modality_counts() -> None:
    both = {Modality.FACE: face(0, Emotion.HAPPY, 0.8), Modality.SPEECH: speech(0, Emotion.SAD, 0.8)}
    fused = log_linear({Modality.FACE: 0.6, Modality.SPEECH: 0.2})(both)
    assert fused.weights == pytest.approx({Modality.FACE: 0.75, Modality.SPEECH: 0.25})
    odds = fused.probs[EMOTIONS.index(Emotion.HAPPY)] / fused.probs[EMOTIONS.index(Emotion.SAD)]
    assert odds == pytest.approx((0.8 / (0.2 / 6)) ** (0.6 - 0.2))


vectors = st.lists(st.floats(0.001, 1), min_size=7, max_size=7).map(lambda v: as_probabilities(np.array(v)))


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


@given(vectors, st.floats(0, 1), st.sampled_from(sorted(RULES)), st.sampled_from(list(Modality)))
def test_a_modality_alone_is_what_every_rule_says(a: Probabilities, quality: float, rule: str, alone: Modality) -> None:
    fused = RULES[rule]({alone: Reading(alone, 0, a, quality)})
    assert fused.probs == pytest.approx(a)
    assert fused.weights == {alone: 1.0}


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


@given(int8_vectors, int8_vectors, st.sampled_from(["product", "learned"]))
def test_vectors_full_of_zeros_still_make_probabilities(a: Probabilities, b: Probabilities, rule: str) -> None:
    fused = RULES[rule]({Modality.FACE: Reading(Modality.FACE, 0, a), Modality.SPEECH: Reading(Modality.SPEECH, 0, b)})
    assert sum(fused.probs) == pytest.approx(1)
    assert 0 < min(fused.probs) <= max(fused.probs) < 1
