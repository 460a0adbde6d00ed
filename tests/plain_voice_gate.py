"""The voice gate as its rules read, with nothing kept between frames: what the fast one must equal to the last bit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import webrtcvad

from device.arrays import PcmArray
from device.features.pitch import pitches
from device.features.voice_activity import (
    BRIDGE_SAMPLES,
    HANG_OVER_SAMPLES,
    PRE_ROLL_SAMPLES,
    VAD_FRAME_SAMPLES,
    SpeechSegment,
)
from device.signals import SAMPLE_RATE_HZ

LOOK_BACK = 100
MIN_FLOOR, QUIETEST_ROOM = 10.0 ** (-75 / 10), 10.0 ** (-80 / 10)


@dataclass(frozen=True)
class _Frame:
    """``floor``: of that moment; ``pitch_hz``: 0 if the frame is not voiced."""

    end: int
    power: float
    floor: float
    pitch_hz: float


def plain_segments(samples: PcmArray) -> list[SpeechSegment]:
    """What the detector tells of a stream, frame by frame, and at its end."""
    frames, earliest, told = list(_frames(samples)), 0, list[SpeechSegment]()
    while frames:
        if not frames[0].pitch_hz:
            frames = frames[1:]
            continue
        first = max(earliest, frames[0].end - VAD_FRAME_SAMPLES - PRE_ROLL_SAMPLES)
        count = _until_the_pause(frames)
        told += _told(first, frames[:count], len(samples) if count == len(frames) else None)
        earliest = min(frames[count - 1].end, _kept_to(frames[:count]))
        frames = frames[count:]
    return told


def _until_the_pause(frames: list[_Frame]) -> int:
    """How many frames a segment has."""
    for count in range(1, len(frames) + 1):
        if frames[count - 1].end - _voiced_end(frames[:count]) >= BRIDGE_SAMPLES:
            return count
    return len(frames)


def _told(first: int, frames: list[_Frame], stream_end: int | None) -> Iterator[SpeechSegment]:
    is_speech, pauses = False, frames[-1].end - _voiced_end(frames) >= BRIDGE_SAMPLES
    for count in range(1, len(frames) + 1):
        known = frames[:count]
        is_speech = is_speech or (known[-1].pitch_hz > 0 and _moves_like_speech(known[-LOOK_BACK:]))
        is_last = pauses and count == len(frames)
        end = min(known[-1].end, _kept_to(known))
        if is_speech and (is_last or end == known[-1].end):
            yield SpeechSegment(first, end, _snr_db(known[-LOOK_BACK:]), is_last)
    if is_speech and not pauses and stream_end is not None:
        yield SpeechSegment(first, min(stream_end, _kept_to(frames)), _snr_db(frames[-LOOK_BACK:]), ended=True)


def _voiced_end(frames: list[_Frame]) -> int:
    return max(frame.end for frame in frames if frame.pitch_hz)


def _kept_to(frames: list[_Frame]) -> int:
    return _voiced_end(frames) + HANG_OVER_SAMPLES


def _snr_db(recent: list[_Frame]) -> float:
    voiced = [frame.power for frame in recent if frame.pitch_hz]
    return _db(sum(voiced) / len(voiced) / max(MIN_FLOOR, recent[-1].floor)) if voiced else 0.0


def _moves_like_speech(recent: list[_Frame]) -> bool:
    voiced = np.array([frame.pitch_hz for frame in recent if frame.pitch_hz])
    if len(voiced) < max(10, 0.3 * len(recent)):
        return False
    low, high = np.percentile([frame.power for frame in recent], [10, 90])
    return bool(_db(high / max(low, MIN_FLOOR)) >= 8.0 and np.std(np.log2(voiced)) >= 0.03)


def _frames(samples: PcmArray) -> Iterator[_Frame]:
    vad, powers, last = webrtcvad.Vad(2), list[float](), np.zeros(VAD_FRAME_SAMPLES, dtype=np.int16)
    for end in range(VAD_FRAME_SAMPLES, len(samples) + 1, VAD_FRAME_SAMPLES):
        frame = samples[end - VAD_FRAME_SAMPLES : end]
        powers.append(float(np.mean(np.square(frame.astype(np.float64)))) / 32768.0**2)
        floor = min([sum(powers[at - 3 : at]) / 3 for at in range(3, len(powers) + 1)][-LOOK_BACK:], default=0.0)
        is_loud = _db(powers[-1] / max(MIN_FLOOR, floor)) >= 8.0
        is_voiced = vad.is_speech(frame.tobytes(), SAMPLE_RATE_HZ) and is_loud
        yield _Frame(end, powers[-1], floor, _pitch_hz(last, frame, floor) if is_voiced else 0.0)
        last = frame


def _pitch_hz(last: PcmArray, frame: PcmArray, floor: float) -> float:
    found = pitches(np.concatenate([last, frame])[np.newaxis], (60.0, 1500.0))
    least = 0.55 if floor > QUIETEST_ROOM else 0.75
    return float(found.hz[0]) if found.harmonicity[0] >= least else 0.0


def _db(ratio: float) -> float:
    return 10.0 * math.log10(max(ratio, 1e-12))
