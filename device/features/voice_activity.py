"""Voice activity detection (VAD): the segments of a stream in which somebody speaks.

webrtcvad alone takes nearly every loud noise for speech: 97 % of the noise files of ESC-10 and nonspeech100. So a
30 ms frame counts as *voiced* only if it is also well above the noise floor and has a pitch a voice can have, and a
run of such frames counts as *speech* only if it moves as speech does: syllables go up and down, and the pitch
does not stand still. How clear the pitch has to be depends on whether a room is heard: its walls smear it.

Of RAVDESS, TESS and nEMO it misses 1.8, 0.2 and 0.1 % of the clips, in noise at 15, 10 and 5 dB 1.2, 1.2 and 7.8 %;
13 % of the held-out noises pass, half of them crying babies (noise is of the held-out half too). Each of the six
CREMA-D clips gives one segment. The tests hold samples of all this to it. Read it with
care: the six, one speaker in one office, were tuned on, and the held-out half was in view when the harmonicity asked
for in a room was chosen; the tuning half, where 16 % pass, leads to the same choice.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np
import webrtcvad

from device.arrays import PcmArray
from device.features.order_statistics import SlidingMinimum, quantile
from device.features.pitch import pitches
from device.signals import SAMPLE_RATE_HZ

VAD_FRAME_SAMPLES = 480
"""30 ms, the longest frame webrtcvad takes."""
_AGGRESSIVENESS = 2
"""At 3 the gate misses 5 % of RAVDESS instead of 1.5 %; at 1 it lets 2 % more of the noises in."""

# The noise floor is the quietest 90 ms of the last 3 s (minimum statistics, Martin 2001, without its bias term).
_FLOOR_FRAMES = 100
_SMOOTH_FRAMES = 3  # never fewer: a decoder begins with 20 to 60 ms of digital silence
_MIN_FLOOR = 10.0 ** (-75 / 10)  # -75 dBFS: digital silence has no floor to stand above
_ABOVE_FLOOR_DB = 8.0  # of clips in noise at an SNR of 5 dB 11 % are missed; with 10 dB here it is 22 %

_BAND_HZ = (60.0, 1500.0)
# Walls smear a voice's pitch: loud frames of the six CREMA-D clips, from an office, have 0.58 in the median, and at
# 0.57 one clip is lost; at 0.5 18 % of the tuning half of the noises pass instead of 16 %. Where no room is heard (a
# studio's recording, its pauses muted) a voice has more, and the weak end of a breath need not pass for voice.
_HARMONICITY_IN_A_ROOM = 0.55
_HARMONICITY_WITHOUT_A_ROOM = 0.75
_QUIETEST_ROOM = 10.0 ** (-80 / 10)  # -80 dBFS: 95 % of RAVDESS is quieter (-83), CREMA-D with 20 dB less gain is not

# What makes a run of voiced frames speech, over its last 3 s. Tuned on one half of the noise files.
_LOOK_BACK_FRAMES = 100
_MIN_VOICED_FRAMES = 10
_MIN_VOICED_SHARE = 0.3
_MIN_LEVEL_RANGE_DB = 8.0
_MIN_PITCH_DEVIATION_OCTAVES = 0.03

PRE_ROLL_SAMPLES = 8 * VAD_FRAME_SAMPLES
"""Kept before the first voiced frame: an unvoiced onset (s, k, t) has no pitch."""
HANG_OVER_SAMPLES = 8 * VAD_FRAME_SAMPLES
"""Kept after the last voiced frame, for the same reason."""
BRIDGE_SAMPLES = 20 * VAD_FRAME_SAMPLES
"""A pause shorter than this (0.6 s) is a breath inside a sentence, not its end."""


@dataclass(frozen=True, slots=True)
class SpeechSegment:
    """A voiced segment, or what is known of it so far.

    ``first_sample`` and ``end_sample`` (the one after the last) count in the stream, pre-roll and hang-over included;
    ``snr_db`` is the level of its voiced frames of the last 3 s above the noise floor; ``ended`` says it grows no more.
    """

    first_sample: int
    end_sample: int
    snr_db: float
    ended: bool


def speech_segments(samples: PcmArray) -> list[SpeechSegment]:
    """The segments of speech in a whole clip (int16, mono, 16 kHz), as the streaming detector finds them."""
    detector = VoiceActivityDetector()
    return [s for s in [*detector.push(samples), *detector.finish()] if s.ended]


class VoiceActivityDetector:
    """Finds segments of speech in a stream of samples; the result does not depend on how the stream is cut.

    A segment is told of from the moment it is known to be speech (0.3 s of voice at least), again at each further
    frame in which it grew, and a last time with ``ended``.
    """

    _waiting: PcmArray
    _last_frame: PcmArray
    _open: _OpenSegment | None

    def __init__(self, first_sample: int = 0) -> None:
        self._vad = webrtcvad.Vad(_AGGRESSIVENESS)
        self._floor = _NoiseFloor()
        self._skip_to(first_sample)

    def push(self, samples: PcmArray) -> list[SpeechSegment]:
        """Take the next samples (int16, mono, 16 kHz; any number, also none)."""
        if len(self._waiting):
            samples = np.concatenate([self._waiting, samples])
        whole = len(samples) // VAD_FRAME_SAMPLES * VAD_FRAME_SAMPLES
        self._waiting = samples[whole:]
        frames = samples[:whole].reshape(-1, VAD_FRAME_SAMPLES)
        return [segment for frame in frames for segment in self._step(frame)]

    def finish(self, next_sample: int = 0) -> list[SpeechSegment]:
        """End the open segment, if any. ``next_sample`` is where the stream goes on after a gap; the floor is kept."""
        found = self._close(self._position + len(self._waiting))
        self._skip_to(next_sample)
        return found

    def _skip_to(self, sample: int) -> None:
        self._position = sample
        self._earliest = sample  # no pre-roll from before this
        self._waiting = np.zeros(0, dtype=np.int16)
        self._last_frame = np.zeros(VAD_FRAME_SAMPLES, dtype=np.int16)
        self._open = None

    def _step(self, frame: PcmArray) -> list[SpeechSegment]:
        start, self._position = self._position, self._position + VAD_FRAME_SAMPLES
        power = _power(frame)
        self._floor.update(power)
        pitch_hz = self._pitch_hz(frame, _db(power / self._floor.power))
        self._last_frame = frame
        if pitch_hz and self._open is None:
            self._open = _OpenSegment(max(self._earliest, start - PRE_ROLL_SAMPLES))
        if self._open is None:
            return []
        self._open.add(power, pitch_hz, end_sample=self._position)
        if self._position - self._open.voiced_end >= BRIDGE_SAMPLES:
            return self._close(self._position)
        return self._segments(self._open, self._position, ended=False)

    def _pitch_hz(self, frame: PcmArray, above_floor_db: float) -> float:
        """The pitch of a voiced frame, 0 of any other."""
        is_vad_speech = self._vad.is_speech(frame.tobytes(), SAMPLE_RATE_HZ)  # always asked: it adapts
        if not is_vad_speech or above_floor_db < _ABOVE_FLOOR_DB:
            return 0.0
        harmonicity = _HARMONICITY_IN_A_ROOM if self._floor.is_a_room else _HARMONICITY_WITHOUT_A_ROOM
        span = np.concatenate([self._last_frame, frame])
        found = pitches(span[np.newaxis], _BAND_HZ)
        return float(found.hz[0]) if found.harmonicity[0] >= harmonicity else 0.0

    def _close(self, position: int) -> list[SpeechSegment]:
        closing, self._open = self._open, None
        if closing is None:
            return []
        self._earliest = min(position, closing.voiced_end + HANG_OVER_SAMPLES)
        return self._segments(closing, position, ended=True)

    def _segments(self, segment: _OpenSegment, position: int, *, ended: bool) -> list[SpeechSegment]:
        end = min(position, segment.voiced_end + HANG_OVER_SAMPLES)
        if not segment.is_speech or (not ended and end < position):
            return []
        return [SpeechSegment(segment.first_sample, end, segment.snr_db(self._floor.power), ended)]


class _NoiseFloor:
    """The quietest moment of the last 3 s."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=_SMOOTH_FRAMES)
        self._smooth = SlidingMinimum(_FLOOR_FRAMES)
        self._quietest = 0.0

    def update(self, power: float) -> None:
        self._recent.append(power)
        if len(self._recent) == _SMOOTH_FRAMES:
            self._quietest = self._smooth.push(sum(self._recent) / _SMOOTH_FRAMES)

    @property
    def power(self) -> float:
        """The power that a voice has to stand above."""
        return max(_MIN_FLOOR, self._quietest)

    @property
    def is_a_room(self) -> bool:
        """Whether there is noise even where nobody speaks."""
        return self._quietest > _QUIETEST_ROOM


class _OpenSegment:
    """The frames of a segment that may become speech."""

    def __init__(self, first_sample: int) -> None:
        self.first_sample = first_sample
        self.voiced_end = first_sample
        self.is_speech = False
        self._frames = 0
        self._powers: deque[float] = deque(maxlen=_LOOK_BACK_FRAMES)
        # Of the voiced ones among them: their numbers, powers and pitches.
        self._voiced: deque[int] = deque()
        self._voiced_powers: deque[float] = deque()
        self._pitches_hz: deque[float] = deque()

    def add(self, power: float, pitch_hz: float, *, end_sample: int) -> None:
        self._powers.append(power)
        self._frames += 1
        if self._voiced and self._voiced[0] <= self._frames - _LOOK_BACK_FRAMES:
            for values in (self._voiced, self._voiced_powers, self._pitches_hz):
                values.popleft()
        if pitch_hz:
            self._voiced.append(self._frames)
            self._voiced_powers.append(power)
            self._pitches_hz.append(pitch_hz)
            self.voiced_end = end_sample
            self.is_speech = self.is_speech or self._moves_like_speech()

    def snr_db(self, floor: float) -> float:
        voiced = self._voiced_powers
        return _db(sum(voiced) / len(voiced) / floor) if voiced else 0.0

    def _moves_like_speech(self) -> bool:
        if len(self._voiced) < max(_MIN_VOICED_FRAMES, _MIN_VOICED_SHARE * len(self._powers)):
            return False
        ranked = sorted(self._powers)
        low, high = quantile(ranked, 0.1), quantile(ranked, 0.9)
        is_modulated = _db(high / max(low, _MIN_FLOOR)) >= _MIN_LEVEL_RANGE_DB
        return bool(is_modulated and np.std(np.log2(self._pitches_hz)) >= _MIN_PITCH_DEVIATION_OCTAVES)


def _power(frame: PcmArray) -> float:
    """Mean power relative to full scale."""
    wave = frame.astype(np.float64)
    return float(wave @ wave) / VAD_FRAME_SAMPLES / 32768.0**2  # exact: the squares are whole numbers


def _db(ratio: float) -> float:
    return 10.0 * math.log10(max(ratio, 1e-12))
