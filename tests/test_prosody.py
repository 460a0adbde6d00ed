"""What is said of a voice beside its spectra: how high it is, how voiced, and how it moves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from perception import Samples, in_a_room, spoken

from device.features import logmel, prosody
from device.features.frames import SpeechFrames, speech_frames
from device.features.pitch import SPAN_SAMPLES, Pitches, pitches
from device.signals import SAMPLE_RATE_HZ


def hum(pitch_hz: float, samples: int = SPAN_SAMPLES) -> NDArray[np.float64]:
    phase = 2 * np.pi * pitch_hz * np.arange(samples) / SAMPLE_RATE_HZ
    return sum((np.cos(k * phase) / k for k in range(1, 8)), np.zeros(samples)) * 3000


def hiss(samples: int, seed: int = 1) -> Samples:
    return np.rint(np.random.default_rng(seed).normal(size=samples) * 3000).astype(np.int16)


def row(sound: Samples) -> NDArray[np.float32]:
    return prosody.row(speech_frames(sound))


@pytest.mark.parametrize("pitch_hz", [80, 120, 210, 330, 480])
def test_the_pitch_of_a_hum_is_found(pitch_hz: float) -> None:
    found = pitches(np.stack([hum(pitch_hz), hum(pitch_hz) * 0.01]))
    np.testing.assert_allclose(found.hz, pitch_hz, rtol=0.02)
    assert (found.harmonicity > 0.9).all()


def test_hiss_is_hardly_harmonic_and_silence_is_not_at_all() -> None:
    found = pitches(np.stack([hiss(SPAN_SAMPLES), np.zeros(SPAN_SAMPLES, dtype=np.int16)]))
    assert 0 < found.harmonicity[0] < 0.6
    assert (found.hz[1], found.harmonicity[1]) == (0, 0)


def test_a_sound_shorter_than_a_span_has_frames_but_no_pitches() -> None:
    frames = speech_frames(hiss(SPAN_SAMPLES - 1))
    assert len(frames.energies) > 1
    assert len(frames.pitches.hz) == len(frames.pitches.harmonicity) == 0


def test_the_input_is_the_spectra_and_a_row_of_prosody() -> None:
    frames = speech_frames(spoken(2.0))
    made = prosody.model_input(frames)
    assert made.shape == (129, 40)
    assert made.dtype == np.float32
    np.testing.assert_array_equal(made[128], prosody.row(frames))
    np.testing.assert_array_equal(made[:128], logmel.model_input(frames.energies))
    found = prosody.statistics(frames)
    assert found is not None
    assert np.any(made[128])
    assert not np.any(made[128, len(found) :])
    assert np.abs(made[128]).max() <= prosody.STATISTIC_LIMIT


def test_loudness_is_no_cue() -> None:
    loud = in_a_room(spoken(2.0))
    np.testing.assert_allclose(row(loud // 2), row(loud), atol=0.2)


def test_a_voice_an_octave_higher_is_higher_in_its_pitch() -> None:
    low, high = (prosody.statistics(speech_frames(spoken(2.0, pitch_hz=hz))) for hz in (110, 220))
    assert low is not None
    assert high is not None
    assert high[0] - low[0] == pytest.approx(12, abs=1)


def test_a_voice_that_glides_moves_its_pitch_more_than_a_flat_one() -> None:
    flat = np.rint(hum(150, 2 * SAMPLE_RATE_HZ)).astype(np.int16)
    moving, still = (prosody.statistics(speech_frames(sound)) for sound in (spoken(2.0, pitch_hz=150), flat))
    assert moving is not None
    assert still is not None
    assert moving[2] - moving[1] > 3 > still[2] - still[1]


@pytest.mark.parametrize(
    "sound", [hiss(32_000), np.zeros(32_000, dtype=np.int16), hiss(200)], ids=["hiss", "silence", "12 ms"]
)
def test_without_a_voice_prosody_is_an_average_ones(sound: Samples) -> None:
    assert not np.any(row(sound))


def test_more_than_three_seconds_are_read_from_their_end() -> None:
    frames = speech_frames(spoken(5.0))
    first = len(frames.energies) - 128
    assert first > 0
    pitches_ = Pitches(*(values[first:] for values in frames.pitches))
    last = SpeechFrames(frames.energies[first:], frames.levels[first:], pitches_)
    np.testing.assert_array_equal(prosody.model_input(frames), prosody.model_input(last))


def _autocorrelation(wave: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.correlate(wave, wave, "full")[len(wave) - 1 :]


def test_the_short_transform_gives_the_autocorrelation_itself() -> None:
    wave, window = hum(140.0), np.hanning(SPAN_SAMPLES)
    said, own = (_autocorrelation(w) for w in ((wave - wave.mean()) * window, window))
    heights = (said / said[0])[12:228] / (own / own[0])[12:228]
    assert pitches(wave[np.newaxis]).harmonicity[0] == pytest.approx(heights.max(), rel=1e-6)


def test_in_pauses_no_pitch_is_looked_for() -> None:
    voice = spoken(1.0)
    frames = speech_frames(np.concatenate([voice, (voice * 0.002).astype(np.int16)]))
    quiet = ~frames.is_active[: len(frames.pitches.hz)]
    assert quiet.sum() > 20
    assert not frames.pitches.hz[quiet].any()
    assert (frames.pitches.hz[~quiet] > 0).sum() > 20
