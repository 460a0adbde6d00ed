"""How much of a voice a line lets through, and what its reading counts for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import soxr
from perception import ROOT, blocks, hiss, load, model

from device.arrays import PcmArray
from device.capture.container import sound_blocks
from device.features.bandwidth import BandwidthMeter, bandwidth_hz
from device.features.frames import speech_frames
from device.features.prosody import model_input
from device.features.speech import WindowFeatures
from device.features.speech_windows import SpeechWindower
from device.fusion.rules import RULES
from device.models.speech_emotion import SpeechRecogniser
from device.readings import EMOTIONS, Emotion, Modality, Reading, probabilities
from device.signals import SAMPLE_RATE_HZ

pytestmark = pytest.mark.slow

DEMO = sorted((ROOT / "deploy" / "demo" / "crema_d").glob("*.flv"))


def whole(path: Path) -> PcmArray:
    return np.concatenate([block.samples for block in sound_blocks(path, 30)])


def cut_at(hz: int, samples: PcmArray) -> PcmArray:
    """As through a line of that width: sampled at twice of it, and back."""
    narrow = soxr.resample(soxr.resample(samples.astype(np.float64), SAMPLE_RATE_HZ, 2 * hz), 2 * hz, SAMPLE_RATE_HZ)
    return np.asarray(np.clip(np.rint(narrow), -32768, 32767), dtype=np.int16)


def soft(samples: PcmArray) -> PcmArray:
    return np.asarray(np.rint(samples * 0.25), dtype=np.int16)


def in_noise(samples: PcmArray) -> PcmArray:
    level = 20 * np.log10(np.sqrt(np.mean(np.square(samples / 32768))))
    return samples + hiss(len(samples) / SAMPLE_RATE_HZ, level - 10)[: len(samples)]


def widths_hz(clips: Iterable[PcmArray]) -> list[float]:
    found = []
    for clip in clips:
        framer = SpeechWindower(WindowFeatures(model_input))
        windows = [w for block in blocks(clip) for w in framer.push(block)] + framer.finish()
        found += [window.bandwidth_hz for window in windows]
    return found


def qualities(clips: Iterable[PcmArray]) -> list[float]:
    found = []
    for clip in clips:
        recognise = SpeechRecogniser(model("affectd-1-speech"))
        readings = [*map(recognise, blocks(clip)), recognise.finish()]
        found += [reading.quality for reading in readings if reading]
    return found


@pytest.mark.parametrize("hz", [3000, 4000, 5000, 6000])
def test_the_width_of_a_line_is_measured_within_a_band(hz: int) -> None:
    found = widths_hz(cut_at(hz, whole(path)) for path in DEMO)
    assert found
    assert max(found) <= hz * 1.1
    assert np.median(found) >= hz * 0.85


@pytest.mark.parametrize("change", [np.asarray, soft, in_noise], ids=["as it is", "soft", "in noise"])
def test_a_whole_voice_is_whole_soft_or_in_noise(change: Callable[[PcmArray], PcmArray]) -> None:
    found = widths_hz(change(whole(path)) for path in DEMO)
    assert found
    assert min(found) > 6000


@pytest.mark.slow
def test_a_voice_by_telephone_counts_two_thirds_and_a_whole_one_in_full() -> None:
    clips = [whole(path) for path in DEMO]
    full, telephone = qualities(clips), qualities(cut_at(4000, clip) for clip in clips)
    assert len(telephone) >= len(full) - 2
    assert max(telephone) <= 0.7
    assert np.median(telephone) / np.median(full) == pytest.approx(0.63, abs=0.08)


def test_beside_a_good_face_the_telephone_s_voice_weighs_less() -> None:
    def reading(modality: Modality, emotion: Emotion, quality: float) -> Reading:
        probs = [0.9 if e is emotion else 0.1 / 6 for e in EMOTIONS]
        return Reading(modality, 0, probabilities(probs), quality)

    face = reading(Modality.FACE, Emotion.HAPPY, 1.0)
    for rule in ("weighted", "product", "learned"):
        weights = [
            RULES[rule]({Modality.FACE: face, Modality.SPEECH: reading(Modality.SPEECH, Emotion.SAD, quality)}).weights
            for quality in (1.0, 0.63)
        ]
        assert weights[1][Modality.SPEECH] < 0.9 * weights[0][Modality.SPEECH]


def test_a_vowel_after_a_sibilant_does_not_make_the_line_narrow() -> None:
    moments_s = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    vowel = (8000 * np.sin(2 * np.pi * 300 * moments_s)).astype(np.int16)
    meter = BandwidthMeter()
    for sound in (hiss(1, -30), vowel, vowel):
        meter.update(speech_frames(sound))
    assert meter.hz == 8000
    for _ in range(8):
        meter.update(speech_frames(vowel))
    assert meter.hz < 2000


def test_digital_silence_has_a_width_like_any_window() -> None:
    assert 0 < bandwidth_hz(speech_frames(np.zeros(SAMPLE_RATE_HZ, dtype=np.int16))) <= 8000


def test_a_telephone_clip_after_a_studio_s_is_judged_by_itself() -> None:
    voice = whole(DEMO[0])
    framer = SpeechWindower(WindowFeatures(model_input))
    for block in blocks(voice):
        framer.push(block)
    later = [w for block in blocks(cut_at(4000, voice), first_sample=10**6) for w in framer.push(block)]
    later += framer.finish()
    own = [window for window in later if window.end_sample > 10**6]
    assert own
    assert max(window.bandwidth_hz for window in own) < 4500


@pytest.mark.slow
def test_on_ravdess_the_quality_distinguishes_a_telephone_from_a_studio(shared_data: Path) -> None:
    clips = [load(path) for path in sorted(shared_data.glob("ravdess/*/*.flac"))[::60]]
    full, telephone = qualities(clips), qualities(cut_at(4000, clip) for clip in clips)
    assert np.percentile(full, 5) > 0.9
    assert np.percentile(telephone, 95) < 0.7
