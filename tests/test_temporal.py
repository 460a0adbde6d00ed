import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_readings import SECOND, face, speech, surely

from device.fusion.rules import RULES
from device.fusion.temporal import TemporalFusion
from device.readings import EMOTIONS, NOBODY, UNCERTAIN, UNKNOWN, Emotion, Estimate, Modality, Probabilities, Reading


def fusion(
    rule: str = "average", smooth_s: float = 0.0, hold_s: float = 0.0, uncertain_below: float = 0.4
) -> TemporalFusion:
    return TemporalFusion(
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


def test_what_is_reported_glides_and_beside_it_stands_what_this_moment_states_alone() -> None:
    fuse, sharp = fusion("product", smooth_s=0.5), fusion("product")
    readings = [face(0, Emotion.NEUTRAL), speech(0.1, Emotion.DISGUST, 0.53), face(0.2, Emotion.HAPPY, 0.78)]
    said, at_once = ([f.step(reading) for reading in readings][-1] for f in (fuse, sharp))
    assert said.unsmoothed == at_once.probs == at_once.unsmoothed
    assert said.probs != said.unsmoothed
    assert fuse.lose(SECOND, "privacy").unsmoothed is None  # type: ignore[union-attr]


def test_when_the_face_is_gone_the_voice_carries_on_alone() -> None:
    fuse = fusion()
    fuse.step(face(0, Emotion.HAPPY))
    estimate = fuse.step(speech(1.5, Emotion.SAD))
    assert estimate.label == Emotion.SAD
    assert not estimate.modalities[Modality.FACE].present
    assert estimate.modalities[Modality.SPEECH].weight == 1.0


def test_a_face_that_left_is_reported_by_the_next_tick_and_only_once() -> None:
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


def test_who_is_blind_and_deaf_reports_it_once_then_every_second_and_knows_nothing_of_before() -> None:
    fuse = fusion()
    fuse.step(face(0, Emotion.HAPPY))
    said = [fuse.lose(int((0.1 + t / 10) * SECOND), "privacy") for t in range(21)]
    assert [n for n, estimate in enumerate(said) if estimate] == [0, 10, 20]
    lost = said[0]
    assert lost is not None
    assert (lost.label, lost.reason, lost.confidence, lost.probs) == (UNKNOWN, "privacy", 0.0, None)
    assert not any(state.present for state in lost.modalities.values())
    other = fuse.lose(int(2.2 * SECOND), "camera lost")
    assert other is not None
    assert other.reason == "camera lost"


def test_nobody_is_reported_only_after_a_second_of_looking_that_found_none() -> None:
    fuse = fusion()
    fuse.lose(0, "starting")
    said = [fuse.tick(int(t * SECOND / 10)) for t in range(5, 16)]
    assert [e.label for e in said if e] == [NOBODY]
    assert said[-1] is not None
    assert said[-1].reason is None


def test_who_sees_again_states_what_it_sees_at_once() -> None:
    fuse = fusion(hold_s=0.5)
    fuse.step(face(0, Emotion.HAPPY))
    fuse.lose(int(0.1 * SECOND), "camera lost")
    assert fuse.step(face(0.2, Emotion.SAD)).label == Emotion.SAD


def test_two_seconds_of_joy_survive_one_blurred_frame() -> None:
    fuse = fusion(hold_s=0.5)
    labels = [fuse.step(face(t / 10, Emotion.SAD if t == 10 else Emotion.HAPPY)).label for t in range(20)]
    assert set(labels) == {Emotion.HAPPY}


def test_a_change_that_lasts_is_reported_after_the_hold_time() -> None:
    fuse = fusion(hold_s=0.5)
    labels = [fuse.step(face(t / 10, Emotion.HAPPY if t < 10 else Emotion.SAD)).label for t in range(20)]
    assert labels.index(Emotion.SAD) == 15


def test_joy_falls_after_the_hold_time_though_three_others_took_turns_to_lead() -> None:
    fuse = fusion(hold_s=0.5)
    turns = [Emotion.SAD, Emotion.ANGRY, Emotion.FEAR]
    story = [face(t / 10, Emotion.HAPPY if t < 10 else turns[t % 3], 0.6) for t in range(16)]
    labels = [fuse.step(reading).label for reading in story]
    assert labels == [Emotion.HAPPY] * 15 + [turns[15 % 3]]


def test_what_falls_below_the_threshold_is_uncertain_after_the_hold_time() -> None:
    fuse = fusion(hold_s=0.5, uncertain_below=0.4)
    labels = [fuse.step(face(t / 10, Emotion.HAPPY, 0.9 if t < 10 else 0.35)).label for t in range(20)]
    assert labels == [Emotion.HAPPY] * 15 + [UNCERTAIN] * 5


def test_a_label_falls_by_itself_between_two_words_that_are_longer_apart_than_the_hold_time() -> None:
    fuse = fusion(hold_s=0.5)
    fuse.step(speech(0, Emotion.HAPPY))
    held = fuse.step(speech(0.75, Emotion.SAD))
    assert (held.label, fuse.tick(int(1.2 * SECOND))) == (Emotion.HAPPY, None)
    fallen = fuse.tick(int(1.25 * SECOND))
    assert fallen is not None
    assert (fallen.label, fallen.probs) == (Emotion.SAD, held.probs)
    assert fuse.tick(int(1.3 * SECOND)) is None


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


def test_it_states_when_it_does_not_know() -> None:
    estimate = fusion(uncertain_below=0.4).step(face(0, Emotion.HAPPY, 0.35))
    assert estimate.label == UNCERTAIN
    assert estimate.confidence == pytest.approx(0.35)


def test_a_late_reading_does_not_turn_time_back() -> None:
    fuse = fusion()
    fuse.step(face(5, Emotion.HAPPY))
    late = fuse.step(face(4.9, Emotion.SAD))
    assert late.captured_ns == 5 * SECOND
    assert late.label == Emotion.HAPPY


THRESHOLD = 0.4
HOLD_MS = 500
led = st.builds(surely, st.sampled_from(EMOTIONS), st.sampled_from([0.2, 0.39, 0.41, 0.6, 0.95]))


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.integers(1, 9), led, st.sampled_from(list(Modality))), min_size=2, max_size=40),
    st.sampled_from(sorted(RULES)),
    st.sampled_from([0.0, 0.5, 1.0]),
)
def test_whoever_listens_receives_no_emotion_below_the_threshold_for_longer_than_the_hold_time(
    steps: list[tuple[int, Probabilities, Modality]], rule: str, smooth_s: float
) -> None:
    """Ten ticks a second and readings when they come: what was published last stands until the next is published."""
    fuse = fusion(rule, smooth_s=smooth_s, hold_s=HOLD_MS / 1000, uncertain_below=THRESHOLD)
    tenth, low_since_ns, standing = 0, None, None
    for gap_tenths, probs, modality in steps:
        for now_ns in range((tenth + 1) * SECOND // 10, (tenth + gap_tenths) * SECOND // 10, SECOND // 10):
            standing = fuse.tick(now_ns) or standing
            low_since_ns = since_when_low(standing, low_since_ns, now_ns)
        tenth += gap_tenths
        standing = fuse.step(Reading(modality, tenth * SECOND // 10, probs))
        low_since_ns = since_when_low(standing, low_since_ns, standing.captured_ns)


def since_when_low(standing: Estimate | None, since_ns: int | None, now_ns: int) -> int | None:
    """Since when what is said is below the threshold; ``None`` if it is not."""
    if standing is None or standing.label not in EMOTIONS or standing.confidence >= THRESHOLD:
        return None
    since_ns = standing.captured_ns if since_ns is None else since_ns
    assert now_ns - since_ns <= HOLD_MS * 1_000_000
    return since_ns
