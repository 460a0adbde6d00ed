"""What the voice gate lets through: a clip is missed if no segment holds 0.5 s of its speech.

Only the half of the noise files that its thresholds were not fitted to is used, to pass and to be mixed in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import webrtcvad

from device.arrays import PcmArray
from device.capture.container import sound_blocks
from device.features.mel import HOP_SAMPLES
from device.features.speech_windows import MIN_SAMPLES
from device.features.voice_activity import VAD_FRAME_SAMPLES, SpeechSegment, speech_segments
from device.signals import SAMPLE_RATE_HZ
from quantize.datasets import DatasetError

SPEECH = {"RAVDESS": "ravdess/*/*.flac", "TESS": "tess/*.opus", "nEMO": "nemo/*.opus"}
LEAD_SAMPLES = SAMPLE_RATE_HZ
"""Noise alone before and after the clip, from which the gate learns its floor."""


def found(root: Path, pattern: str) -> list[Path]:
    """The files of a corpus, sorted. Raises ``DatasetError`` if there is none."""
    paths = sorted(root.glob(pattern))
    if not paths:
        raise DatasetError(f"{root}: holds no {pattern}; name the folder that holds the corpora with --root")
    return paths


def held_out_noises(root: Path) -> list[Path]:
    """The half of the noises that the gate's thresholds were not fitted to."""
    return [p for p in found(root, "noise/**/*.flac") if _hash(p.relative_to(root)) % 2 == 1]


def _hash(path: Path) -> int:
    return int(hashlib.sha256(path.as_posix().encode()).hexdigest(), 16)


def counted(clip: PcmArray) -> tuple[int, int]:
    """The number of segments of at least 0.5 s in a clip, and of all."""
    segments = speech_segments(clip)
    return sum(s.end_sample - s.first_sample >= MIN_SAMPLES for s in segments), len(segments)


def passes(noise: PcmArray) -> bool:
    """Whether a noise would be read as a voice: it gives a segment as long as the time between two readings."""
    return any(s.end_sample - s.first_sample >= HOP_SAMPLES for s in speech_segments(noise))


def missed_in_noise(clips: Sequence[PcmArray], noises: Sequence[PcmArray], snr_db: float) -> float:
    """The share of clips, of those found without noise, that are missed with a noise drawn for each (always the same).

    The signal-to-noise ratio is that of the whole noise and the clip's segment. Noises shorter than 2 s, or with more
    than a fifth of digital silence, are not drawn.
    """
    rng = np.random.default_rng(0)
    lasting = [noise for noise in noises if len(noise) > 2 * SAMPLE_RATE_HZ and np.mean(noise == 0) < 0.2]
    spoken = [(clip, segments[0]) for clip in clips if (segments := speech_segments(clip))]
    missed = [_is_missed(clip, where, lasting[rng.integers(len(lasting))], snr_db) for clip, where in spoken]
    return float(np.mean(missed))


def _is_missed(clip: PcmArray, where: SpeechSegment, noise: PcmArray, snr_db: float) -> bool:
    mixed = in_noise(clip, clip[where.first_sample : where.end_sample], noise, snr_db)
    first, end = LEAD_SAMPLES + where.first_sample, LEAD_SAMPLES + where.end_sample
    shared = [min(s.end_sample, end) - max(s.first_sample, first) for s in speech_segments(mixed)]
    return max(shared, default=0) < MIN_SAMPLES


def in_noise(clip: PcmArray, voice: PcmArray, noise: PcmArray, snr_db: float) -> PcmArray:
    """The clip with a second of noise before and after, and under it, so many decibels softer than ``voice``."""
    power = np.mean(np.square(voice, dtype=np.float64)) / 10 ** (snr_db / 10)
    mixed = np.resize(noise.astype(np.float64), len(clip) + 2 * LEAD_SAMPLES)
    mixed *= np.sqrt(power / np.mean(mixed**2))
    mixed[LEAD_SAMPLES : LEAD_SAMPLES + len(clip)] += clip
    return np.asarray(np.rint(mixed * min(1.0, 32767 / np.abs(mixed).max())), dtype=np.int16)


def heard(path: Path) -> tuple[PcmArray, list[SpeechSegment]]:
    """The sound of any film or sound file as the appliance replays it, and its segments."""
    sound = np.concatenate([block.samples for block in sound_blocks(path, 30)])
    return sound, speech_segments(sound)


def covered(sound: PcmArray, segments: Iterable[SpeechSegment]) -> float:
    """The share of the frames that webrtcvad, at its strictest, takes for speech and that lie in a segment."""
    vad = webrtcvad.Vad(3)
    firsts = range(0, len(sound) - VAD_FRAME_SAMPLES + 1, VAD_FRAME_SAMPLES)
    speech = [at for at in firsts if vad.is_speech(sound[at : at + VAD_FRAME_SAMPLES].tobytes(), SAMPLE_RATE_HZ)]
    inside = np.zeros(len(sound), dtype=np.bool_)
    for segment in segments:
        inside[segment.first_sample : segment.end_sample] = True
    return float(np.mean(inside[speech]))
