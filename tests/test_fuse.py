from estimates import probabilities

from device.fusion.fuse import fuse
from device.fusion.temporal import TemporalFusion
from device.readings import NOBODY, RULE_NAMES, UNCERTAIN, Modality, Reading

FACE = Reading(Modality.FACE, 0, probabilities("happy", 0.8), 0.9)
VOICE = Reading(Modality.SPEECH, 3_000_000_000, probabilities("sad", 0.6), 0.5)


def test_readings_that_belong_together_are_fused_whatever_time_they_were_taken_at() -> None:
    estimate = fuse({FACE.modality: FACE, VOICE.modality: VOICE}, "average", uncertain_below=0.3)
    assert (estimate.label, estimate.captured_ns) == ("happy", VOICE.captured_ns)
    assert {m: state.weight for m, state in estimate.modalities.items()} == {Modality.FACE: 0.5, Modality.SPEECH: 0.5}


def test_without_a_reading_there_is_nobody() -> None:
    estimate = fuse({}, "product", uncertain_below=0.4)
    assert (estimate.label, estimate.probs, estimate.confidence, estimate.rule) == (NOBODY, None, 0.0, "product")


def test_below_the_threshold_it_is_uncertain_with_the_best_one_s_confidence() -> None:
    estimate = fuse({FACE.modality: FACE}, "average", uncertain_below=0.9)
    assert (estimate.label, estimate.confidence) == (UNCERTAIN, max(FACE.probs))


def test_it_is_what_the_temporal_fusion_gives_at_one_moment() -> None:
    for rule in RULE_NAMES:
        over_time = TemporalFusion(
            rule=rule, fresh_s=dict.fromkeys(Modality, 9.0), smooth_s=0, hold_s=0, uncertain_below=0.4
        )
        over_time.step(FACE)
        readings = {FACE.modality: FACE, VOICE.modality: VOICE}
        assert fuse(readings, rule, uncertain_below=0.4) == over_time.step(VOICE)
