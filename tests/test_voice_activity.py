"""Speech goes through the gate, silence and noise do not.

Over a small sample of each corpus.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import voice_gate
from hypothesis import given, settings
from hypothesis import strategies as st
from perception import ROOT, hiss, in_a_room, load, pause, spoken
from plain_voice_gate import plain_segments

from device.arrays import PcmArray
from device.features.voice_activity import (
    BRIDGE_SAMPLES,
    HANG_OVER_SAMPLES,
    PRE_ROLL_SAMPLES,
    VAD_FRAME_SAMPLES,
    SpeechSegment,
    VoiceActivityDetector,
    speech_segments,
)
from device.signals import SAMPLE_RATE_HZ

pytestmark = pytest.mark.slow

SENTENCE = in_a_room(pause(1), spoken(2), pause(1.2))


def tone(hz: float, seconds: float = 5, dbfs: float = -20) -> PcmArray:
    time_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return np.rint(32768 * 10 ** (dbfs / 20) * np.sin(2 * np.pi * hz * time_s)).astype(np.int16)


NOISES = {
    "digital silence": pause(5),
    "a quiet room": hiss(5),
    "loud hiss": hiss(5, -20),
    "hiss that comes and goes": np.concatenate([hiss(0.3, -20), hiss(0.3)] * 8),
    "mains hum": tone(100) + hiss(5),
    "a whistle": np.concatenate([tone(900, 1), pause(0.5)] * 3),
    "a beeper": np.concatenate([tone(440, 0.2), pause(0.2)] * 12),
    "a click a second": np.concatenate([hiss(0.01, -6), pause(0.99)] * 5),
    "clipping": np.where(hiss(5, -6) >= 0, 32767, -32768).astype(np.int16),
}


@pytest.mark.parametrize("name", NOISES)
def test_noise_is_not_speech(name: str) -> None:
    assert speech_segments(NOISES[name]) == []


@pytest.mark.parametrize("samples", [0, 1, 479, 480, 481])
def test_a_sound_too_short_to_be_anything_is_no_speech(samples: int) -> None:
    assert speech_segments(spoken(1)[:samples]) == []


@pytest.mark.parametrize("pitch_hz", [90, 130, 220, 320])
def test_a_sentence_in_a_quiet_room_is_one_stretch_with_a_little_around_it(pitch_hz: float) -> None:
    (segment,) = speech_segments(in_a_room(pause(1), spoken(2, pitch_hz=pitch_hz), pause(1.2)))
    begin, end, two_frames = 1 * SAMPLE_RATE_HZ, 3 * SAMPLE_RATE_HZ, 2 * VAD_FRAME_SAMPLES
    assert begin - PRE_ROLL_SAMPLES - two_frames <= segment.first_sample <= begin
    assert end <= segment.end_sample <= end + HANG_OVER_SAMPLES + two_frames
    assert segment.snr_db > 30


def test_a_breath_inside_a_sentence_does_not_end_it_and_a_long_pause_does() -> None:
    def clip(pause_s: float) -> PcmArray:
        return in_a_room(pause(1), spoken(1.5), pause(pause_s), spoken(1.5), pause(1))

    assert len(speech_segments(clip(0.4))) == 1
    assert len(speech_segments(clip(1.2))) == 2


def test_speech_that_the_end_of_the_clip_cuts_off_is_kept_to_the_last_sample() -> None:
    clip = in_a_room(pause(1), spoken(1.6))[: 2 * SAMPLE_RATE_HZ + 7]
    (segment,) = speech_segments(clip)
    assert segment.end_sample == len(clip)


def test_louder_noise_makes_a_smaller_distance_to_it() -> None:
    sound = np.concatenate([pause(1), spoken(2), pause(1)])
    snrs_db = [max(s.snr_db for s in speech_segments(sound + hiss(4, dbfs))) for dbfs in (-70.0, -55.0, -45.0)]
    assert snrs_db == sorted(snrs_db, reverse=True)
    assert snrs_db[0] - snrs_db[2] > 15


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, len(SENTENCE)), max_size=12))
def test_how_the_stream_is_cut_changes_nothing(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(SENTENCE)]
    pieces = [SENTENCE[a:b] for a, b in pairwise(edges)]
    assert told(pieces) == told([SENTENCE])


def high_voice(seconds: float, dbfs: float) -> PcmArray:
    return spoken(seconds, pitch_hz=240, dbfs=dbfs)


def voice(seconds: float, dbfs: float) -> PcmArray:
    return spoken(seconds, dbfs=dbfs)


def whistle(seconds: float, dbfs: float) -> PcmArray:
    return tone(300, seconds, dbfs)


@settings(max_examples=40, deadline=None)
@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from([hiss, voice, high_voice, whistle]),
            st.sampled_from([0.05, 0.5, 1.3, 4.0]),
            st.sampled_from([-60, -30, -15]),
        ),
        min_size=1,
        max_size=6,
    ),
    noise_dbfs=st.sampled_from([-90, -66, -45]),
)
def test_what_is_kept_between_frames_changes_nothing(
    parts: list[tuple[Callable[[float, float], PcmArray], float, float]], noise_dbfs: float
) -> None:
    sound = np.concatenate([make(seconds, dbfs) for make, seconds, dbfs in parts])
    sound = sound // 2 + hiss(len(sound) / SAMPLE_RATE_HZ, noise_dbfs)[: len(sound)]
    assert told([sound]) == plain_segments(sound)


def test_a_long_sentence_equals_the_plain_rules_too() -> None:
    sound = in_a_room(pause(1), spoken(9), pause(0.4), spoken(3), pause(2))
    story = told([sound])
    assert len({segment.snr_db for segment in story}) > 200
    assert story == plain_segments(sound)


def told(pieces: Iterable[PcmArray]) -> list[SpeechSegment]:
    gate = VoiceActivityDetector()
    return [s for piece in pieces for s in gate.push(piece)] + gate.finish()


def test_a_stretch_is_reported_while_it_grows_and_ended_once() -> None:
    story = told([SENTENCE])
    assert {s.first_sample for s in story} == {story[0].first_sample}
    ends = [s.end_sample for s in story]
    assert ends == sorted(ends)
    assert [s.ended for s in story] == [False] * (len(story) - 1) + [True]


def test_after_a_gap_the_numbers_go_on_where_the_stream_does() -> None:
    gate = VoiceActivityDetector()
    gate.push(SENTENCE[: 2 * SAMPLE_RATE_HZ])
    (before,) = gate.finish(next_sample=1_000_000)
    after = [s for s in [*gate.push(SENTENCE), *gate.finish()] if s.ended]
    assert before.ended
    assert before.end_sample == 2 * SAMPLE_RATE_HZ
    assert [s.first_sample > 1_000_000 for s in after] == [True]


def test_the_pause_that_ends_a_stretch_is_longer_than_what_is_kept_of_it() -> None:
    assert BRIDGE_SAMPLES > HANG_OVER_SAMPLES


ROOM_DBFS = -47
"""The office alone: about -53 dBFS, its loudest frame -48. The voices go up to -31 to -18."""
OFFICE = sorted((ROOT / "deploy" / "demo" / "crema_d").glob("*.flv"))


@pytest.mark.parametrize("path", OFFICE, ids=lambda path: path.stem)
@pytest.mark.parametrize("gain_db", [0, -12])
def test_a_sentence_in_an_office_with_hum_and_hiss_is_one_stretch(path: Path, gain_db: float) -> None:
    pytest.importorskip("av")
    sound = quieter(voice_gate.heard(path)[0], gain_db)
    (segment,) = speech_segments(sound)
    assert 1.1 < (segment.end_sample - segment.first_sample) / SAMPLE_RATE_HZ < 1.8
    before, after = sound[: segment.first_sample], sound[segment.end_sample :]
    assert max(loudest_dbfs(before), loudest_dbfs(after)) < ROOM_DBFS + gain_db


def quieter(sound: PcmArray, gain_db: float) -> PcmArray:
    return np.asarray(np.rint(sound * 10 ** (gain_db / 20)), dtype=np.int16)


def loudest_dbfs(sound: PcmArray) -> float:
    frames = sound[: len(sound) // VAD_FRAME_SAMPLES * VAD_FRAME_SAMPLES].reshape(-1, VAD_FRAME_SAMPLES) / 32768
    return float(10 * np.log10(np.mean(frames**2, axis=1).max()))


def test_a_decoders_digital_silence_at_the_start_is_no_noise_floor() -> None:
    sound = np.concatenate([pause(1), spoken(1)]) + hiss(2, -50)
    (plain,) = speech_segments(sound)
    (after_silence,) = speech_segments(np.concatenate([pause(2 * VAD_FRAME_SAMPLES / SAMPLE_RATE_HZ), sound]))
    assert after_silence.snr_db == pytest.approx(plain.snr_db, abs=6)


def share_found(paths: Iterable[Path]) -> float:
    return float(np.mean([voice_gate.counted(load(path))[0] > 0 for path in paths]))


def test_of_held_out_real_noises_few_pass(shared_data: Path) -> None:
    noises = voice_gate.held_out_noises(shared_data)
    assert len(noises) > 80
    assert np.mean([voice_gate.passes(load(path)) for path in noises]) <= 0.15


@pytest.mark.parametrize(
    ("pattern", "at_least"), [("ravdess/*/*.flac", 0.96), ("tess/*.opus", 0.98), ("nemo/*.opus", 0.98)]
)
def test_nearly_all_real_speech_passes(shared_data: Path, pattern: str, at_least: float) -> None:
    assert share_found(sorted(shared_data.glob(pattern))[::24]) >= at_least


@pytest.mark.parametrize(("snr_db", "at_most"), [(15, 0.03), (5, 0.15)])
def test_noise_hides_little_of_real_speech(shared_data: Path, snr_db: float, at_most: float) -> None:
    patterns = voice_gate.SPEECH.values()
    clips = [load(path) for pattern in patterns for path in sorted(shared_data.glob(pattern))[::100]]
    noises = [load(path) for path in voice_gate.held_out_noises(shared_data)]
    assert voice_gate.missed_in_noise(clips, noises, snr_db) <= at_most


@pytest.mark.parametrize("name", ["jfk_1961_inaugural.flac", "librispeech_198-209-0000.ogg"])
def test_of_a_talk_most_is_covered(shared_data: Path, name: str) -> None:
    sound = load(shared_data / "samples" / name)
    assert voice_gate.covered(sound, speech_segments(sound)) > 0.8


def test_a_ravdess_sentence_is_one_stretch(shared_data: Path) -> None:
    clips = sorted(shared_data.glob("ravdess/*/*.flac"))[::24]
    single = [len(speech_segments(load(clip))) == 1 for clip in clips]
    assert np.mean(single) >= 0.93
