"""Functionals of a voice, of sounds whose right values are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from perception import pause, spoken

from device.arrays import PcmArray
from device.features.frames import speech_frames
from device.features.functionals import FUNCTIONALS, functionals
from device.signals import SAMPLE_RATE_HZ

SECONDS = np.arange(3 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ


def pcm(wave: NDArray[np.floating[Any]]) -> PcmArray:
    return np.asarray(np.rint(wave), dtype=np.int16)


def hum(hz: float, *, semitones_in_3_s: float = 0.0, falls_by: float = 1.0) -> PcmArray:
    """Harmonics whose amplitude falls with their number, of a pitch that glides about ``hz``."""
    pitch = hz * 2 ** (semitones_in_3_s * (SECONDS / 3 - 0.5) / 12)
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE_HZ
    return pcm(2000 * sum((np.cos(k * phase) / k**falls_by for k in range(1, 12)), np.zeros(len(SECONDS))))


def hiss(amplitude: float = 3000) -> PcmArray:
    return pcm(np.random.default_rng(1).normal(size=len(SECONDS)) * amplitude)


def of(sound: PcmArray) -> dict[str, float]:
    found = functionals(speech_frames(sound))
    assert found is not None
    assert found.shape == (21,)
    assert np.isfinite(found).all()
    return dict(zip(FUNCTIONALS, found.tolist(), strict=True))


@pytest.mark.parametrize(("hz", "semitones"), [(100, 0.0), (200, 12.0), (150, 7.02), (400, 24.0)])
def test_a_steady_hum_has_its_pitch_and_nothing_that_moves(hz: float, semitones: float) -> None:
    found = of(hum(hz))
    assert found["F0semitone_percentile50"] == pytest.approx(semitones, abs=0.3)
    assert found["F0semitone_pctlrange20-80"] < 0.3
    assert found["F0semitone_slope"] == pytest.approx(0, abs=0.2)
    assert found["F0semitone_step"] < 0.1
    assert found["HNR_mean"] > 0.95
    assert found["HNR_stddev"] < 0.02
    assert found["voiced_share"] > 0.97
    assert found["loudness_pctlrange20-80"] < 0.3
    assert found["loudnessPeaksPerSec"] == 0


@pytest.mark.parametrize("semitones", [-8.0, 8.0])
def test_a_glide_has_its_slope_and_the_range_that_it_goes_through(semitones: float) -> None:
    found = of(hum(180, semitones_in_3_s=semitones))
    assert found["F0semitone_slope"] == pytest.approx(semitones, rel=0.1)
    assert found["F0semitone_pctlrange20-80"] == pytest.approx(0.6 * abs(semitones), rel=0.15)


def test_a_voice_with_stronger_high_tones_has_less_below_1_khz() -> None:
    dull, bright = of(hum(150, falls_by=2.0)), of(hum(150, falls_by=0.5))
    for name in ("alphaRatio", "hammarbergIndex"):
        assert dull[name] > bright[name] + 1
    assert dull["slope500-1500"] < bright["slope500-1500"]


@pytest.mark.parametrize("rate_hz", [2, 4])
def test_syllables_are_counted(rate_hz: float) -> None:
    beaten = pcm(hum(150) * (1.05 - np.cos(2 * np.pi * rate_hz * SECONDS)) / 2)
    assert of(beaten)["loudnessPeaksPerSec"] == pytest.approx(rate_hz, abs=0.5)


def test_what_moves_more_has_more_movement() -> None:
    steady, moving = of(hum(150) + hiss(20)), of(spoken(3.0) + hiss(20))
    for name in ("spectralFlux", "mfcc1-4_step", "mfcc5-12_step", "loudness_meanRisingSlope"):
        assert moving[name] > steady[name]


@pytest.mark.parametrize("gain", [0.1, 0.3, 3.0])
def test_how_loud_the_sound_is_is_no_cue(gain: float) -> None:
    voice = spoken(3.0, dbfs=-30) + hiss(20)
    usual, other = of(voice), of(pcm(voice * gain))
    for name, value in usual.items():
        assert other[name] == pytest.approx(value, abs=0.05), name


def test_hiss_and_silence_and_what_is_too_short_have_none() -> None:
    for sound in (hiss(), pause(3.0), hum(150)[:700], hum(150)[:1]):
        assert functionals(speech_frames(sound)) is None
