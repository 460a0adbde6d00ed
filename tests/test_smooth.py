import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_readings import surely

from device.fusion.smooth import LabelHysteresis
from device.readings import EMOTIONS, UNCERTAIN, Emotion, Probabilities

THRESHOLD = 0.4
HOLD_MS = 500
led = st.builds(surely, st.sampled_from(EMOTIONS), st.sampled_from([0.2, 0.39, 0.41, 0.6, 0.95]))
led = st.builds(surely, st.sampled_from(EMOTIONS), st.sampled_from([0.2, 0.39, 0.41, 0.6, 0.95]))
gaps_ms = st.integers(0, 300) | st.sampled_from([499, 500, 501, 750, 2000])


@given(st.lists(st.tuples(gaps_ms, led), min_size=2, max_size=60))
@pytest.mark.slow
def test_no_emotion_is_reported_below_the_threshold_for_longer_than_the_hold_time(
    steps: list[tuple[int, Probabilities]],
) -> None:
    hysteresis = LabelHysteresis(hold_s=HOLD_MS / 1000, uncertain_below=THRESHOLD)
    now_ms, low_since_ms, said_before = 0, None, None
    for gap_ms, probs in steps:
        now_ms += gap_ms
        said = hysteresis.step(now_ms * 1_000_000, probs)
        is_low = said != UNCERTAIN and probs[EMOTIONS.index(Emotion(said))] < THRESHOLD
        if not is_low:
            low_since_ms = None
        elif low_since_ms is None or said != said_before:
            low_since_ms = now_ms
        said_before = said
        assert low_since_ms is None or now_ms - low_since_ms < HOLD_MS
