from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from perception import NS_PER_SAMPLE, Samples, blocks, in_a_room, pause, spoken

from device.features.frames import SpeechFrames, speech_frames
from device.features.hum import without_hum
from device.features.mel import HOP_SAMPLES, WINDOW_SAMPLES
from device.features.prosody import model_input
from device.features.speech import WindowFeatures
from device.features.speech_windows import MAX_LOST_SAMPLES, MIN_SAMPLES, SpeechWindower, Window
from device.features.voice_activity import speech_segments
from device.signals import SAMPLE_RATE_HZ, AudioBlock

SHORT = in_a_room(pause(1), spoken(1.3), pause(1.5))
LONG = in_a_room(pause(1), spoken(7.3), pause(1.5))


def windows(stream: list[AudioBlock]) -> list[Window]:
    framer = SpeechWindower(WindowFeatures(model_input))
    return [w for block in stream for w in framer.push(block)] + framer.finish()


def of(samples: Samples, block_samples: int = 480) -> list[Window]:
    return windows(list(blocks(samples, block_samples=block_samples)))


def test_a_short_stretch_gives_its_features_exactly_as_in_training() -> None:
    (segment,) = speech_segments(without_hum(SHORT))
    last = of(SHORT)[-1]
    whole = without_hum(SHORT)[segment.first_sample : segment.end_sample]
    assert len(whole) < WINDOW_SAMPLES
    assert last.end_sample == segment.end_sample
    np.testing.assert_array_equal(last.features, model_input(speech_frames(whole)))


@pytest.mark.slow
def test_a_long_stretch_is_read_each_three_quarters_of_a_second_and_at_its_end() -> None:
    (segment,) = speech_segments(without_hum(LONG))
    ends = [w.end_sample - segment.first_sample for w in of(LONG)]
    hops = range(HOP_SAMPLES, segment.end_sample - segment.first_sample, HOP_SAMPLES)
    assert ends == [*hops, segment.end_sample - segment.first_sample]


@pytest.mark.slow
def test_in_a_long_stretch_a_window_is_the_last_three_seconds() -> None:
    for window in of(LONG)[5:]:
        newest = without_hum(LONG)[window.end_sample - WINDOW_SAMPLES : window.end_sample]
        # The stream's frames lie on its own grid, up to a step off the clip's: alike, not the same.
        alike = np.corrcoef(window.features.ravel(), model_input(speech_frames(newest)).ravel())[0, 1]
        assert window.features.shape == (129, 40)
        assert alike > 0.6


@pytest.mark.slow
def test_a_window_bears_the_capture_time_of_its_end() -> None:
    start_ns = 5_000_000_000
    found = windows(list(blocks(LONG, first_sample=777, start_ns=start_ns)))
    assert [w.captured_ns for w in found] == [start_ns + (w.end_sample - 777) * NS_PER_SAMPLE for w in found]


@pytest.mark.slow
@pytest.mark.parametrize("block_samples", [100, 333, 1600, 7000, 1_000_000])
def test_the_size_of_the_blocks_changes_nothing(block_samples: int) -> None:
    usual, other = of(LONG), of(LONG, block_samples)
    assert [(w.end_sample, w.captured_ns, w.snr_db) for w in usual] == [
        (w.end_sample, w.captured_ns, w.snr_db) for w in other
    ]
    for one, two in zip(usual, other, strict=True):
        np.testing.assert_allclose(one.features, two.features, atol=1e-6)


def test_the_last_window_comes_once_silence_has_lasted_not_only_at_the_end_of_the_stream() -> None:
    framer = SpeechWindower(WindowFeatures(model_input))
    before_the_end = [w for block in blocks(SHORT) for w in framer.push(block)]
    (segment,) = speech_segments(without_hum(SHORT))
    assert before_the_end[-1].end_sample == segment.end_sample
    assert framer.finish() == []


def test_speech_that_the_end_of_the_stream_cuts_off_still_gives_its_window() -> None:
    cut = SHORT[: 2 * SAMPLE_RATE_HZ]
    framer = SpeechWindower(WindowFeatures(model_input))
    for block in blocks(cut):
        framer.push(block)
    (last,) = framer.finish()
    assert last.end_sample == len(cut)
    assert framer.finish() == []


@pytest.mark.slow
def test_a_gap_ends_the_stretch_and_never_splices_two_moments() -> None:
    cut = 2 * SAMPLE_RATE_HZ
    before = list(blocks(LONG[:cut]))
    after = list(blocks(LONG[cut:], first_sample=cut + 5000, start_ns=(cut + 5000) * NS_PER_SAMPLE))
    found = windows([*before, *after])
    at_gap = [w for w in found if w.end_sample <= cut]
    later = [w for w in found if w.end_sample > cut]
    assert at_gap[-1].end_sample == cut
    assert later[0].end_sample >= cut + 5000 + HOP_SAMPLES
    fresh = of(LONG[cut:])
    # The noise floor is remembered over the gap, so only what lies beyond the first breath must be the same.
    assert later[-1].end_sample - fresh[-1].end_sample == cut + 5000


def test_a_stretch_of_less_than_half_a_second_gives_none() -> None:
    (segment,) = speech_segments(without_hum(SHORT))
    start = segment.first_sample + 5000  # the pre-roll is cut away
    for samples in (MIN_SAMPLES - 480, MIN_SAMPLES - 1):
        assert of(SHORT[start : start + samples]) == []


def test_silence_and_blocks_without_samples_give_nothing() -> None:
    nothing = AudioBlock(0, 0, pause(0))
    assert windows([nothing, *blocks(pause(3)), nothing, nothing]) == []
    assert windows([]) == []


def test_another_stream_may_follow() -> None:
    framer = SpeechWindower(WindowFeatures(model_input))
    twice = [[w for block in blocks(SHORT) for w in framer.push(block)] + framer.finish() for _ in range(2)]
    assert [w.end_sample for w in twice[0]] == [w.end_sample for w in twice[1]]


@pytest.mark.slow
def test_a_day_of_sound_needs_no_more_memory_than_a_minute() -> None:
    framer = SpeechWindower(WindowFeatures(model_input))
    for block in blocks(np.tile(LONG, 8)):
        framer.push(block)
    assert framer._sound.end_sample - framer._sound._first <= 4 * SAMPLE_RATE_HZ + 480


class Forgetful:
    """Features that note what they were asked: ``w`` for a window, ``f`` for forgetting."""

    def __init__(self) -> None:
        self.asked = ""

    def __call__(self, frames: SpeechFrames) -> NDArray[np.float32]:
        self.asked += "w"
        return model_input(frames)

    def forget(self) -> None:
        self.asked += "f"


@pytest.mark.parametrize(
    ("next_first_sample", "asked"),
    [
        (len(SHORT), "wwwwww"),
        (len(SHORT) + MAX_LOST_SAMPLES, "wwwwww"),
        (len(SHORT) + MAX_LOST_SAMPLES + 1, "wwwfwww"),
        (0, "wwwfwww"),
    ],
    ids=["no gap", "half a second lost", "more lost", "opened anew"],
)
def test_features_forget_a_stream_that_another_may_have_followed(next_first_sample: int, asked: str) -> None:
    features = Forgetful()
    framer = SpeechWindower(features)
    for block in (*blocks(SHORT), *blocks(SHORT, first_sample=next_first_sample)):
        framer.push(block)
    assert features.asked == asked
    framer.finish()
    assert features.asked == asked + "f"
