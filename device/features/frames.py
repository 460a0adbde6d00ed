"""Framing of speech: what all features of a voice are made from, for a whole clip or as the samples come in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.features.mel import (
    BANDS,
    FRAME_SAMPLES,
    FRAMES,
    STEP_SAMPLES,
    WINDOW_SAMPLES,
    LogEnergies,
    frame_count,
    inner_energies,
    log_energies,
)
from device.features.pitch import SPAN_SAMPLES, Pitches, pitches

ACTIVE_RANGE = 7.0
"""What lies more than so far (30 dB) below the loudest moment is a pause."""
MIN_HARMONICITY = 0.5
"""Of a voiced frame."""
MIN_VOICED_FRAMES = 4
"""Of fewer no statistics of a voice are made."""


class SpeechFrames(NamedTuple):
    """Of a segment of sound, a frame each 23.4 ms: ``energies`` (frames, 40), their ``levels`` (frames,),
    and ``pitches`` of those whose 60 ms are there, the first ones. In pauses no pitch is looked for: it is 0 there.
    """

    energies: LogEnergies
    levels: NDArray[np.float64]
    pitches: Pitches

    @property
    def is_active(self) -> NDArray[np.bool_]:
        """Where no pause is, (frames,)."""
        return np.asarray(self.levels > self.levels.max() - ACTIVE_RANGE)

    @property
    def voiced(self) -> NDArray[np.int64]:
        """The numbers of the frames that are voiced, rising."""
        hz, harmonicity = self.pitches
        return np.flatnonzero((hz > 0) & (harmonicity > MIN_HARMONICITY) & self.is_active[: len(hz)])


def speech_frames(samples: NDArray[np.int16]) -> SpeechFrames:
    """The frames of a segment of at most 3 s: int16, mono, 16 kHz, at least one sample.

    Of a longer one, too, but what is a pause is then told by its last 3 s.
    """
    energies = log_energies(samples)
    levels = _levels(energies)
    spans = _spans(samples)
    is_active = (levels > levels[-FRAMES:].max() - ACTIVE_RANGE)[: len(spans)]
    known = np.zeros((len(spans), 2))
    known[is_active] = np.column_stack(pitches(spans[is_active]))
    return SpeechFrames(energies, levels, Pitches(*known.T))


def _levels(energies: LogEnergies) -> NDArray[np.float64]:
    return np.asarray(np.log(np.exp(energies).sum(axis=1)))


def _spans(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    if len(samples) < SPAN_SAMPLES:
        return np.zeros((0, SPAN_SAMPLES), dtype=np.int16)
    return np.lib.stride_tricks.sliding_window_view(samples, SPAN_SAMPLES)[::STEP_SAMPLES]


class FrameStream:
    """Frames of a growing segment of sound; what was already computed is kept.

    ``window()`` equals ``speech_frames`` of the last 3 s pushed so far, from the next whole step on: only the
    energies of the window's first and last frame depend on where it is cut, so only they are made anew beside the
    new ones.
    """

    def __init__(self) -> None:
        self._samples = np.zeros(0, dtype=np.int16)
        self._first = 0  # number in the segment of the first frame whose samples are kept
        self._inner_first, self._inner = 0, np.zeros((0, BANDS))  # of whole frames with a sample before them
        self._pitches = np.zeros((0, 2))  # of the kept frames' spans: pitch and harmonicity, NaN where not looked for

    @property
    def length(self) -> int:
        """Samples pushed since the segment began."""
        return self._first * STEP_SAMPLES + len(self._samples)

    def push(self, samples: NDArray[np.int16]) -> None:
        """Append int16 mono samples at 16 kHz."""
        self._samples = np.concatenate([self._samples, samples])

    def window(self) -> SpeechFrames:
        """The frames of the last 3 s of the segment, or of all of it: at most 128."""
        # Windows start at whole steps, so that their inner frames are the same frames.
        self._forget_before(-(-max(0, self.length - WINDOW_SAMPLES) // STEP_SAMPLES))
        energies = self._energies()
        levels = _levels(energies)
        return SpeechFrames(energies, levels, self._known_pitches(levels > levels.max() - ACTIVE_RANGE))

    def _energies(self) -> LogEnergies:
        count = frame_count(len(self._samples))
        head = log_energies(self._samples[:FRAME_SAMPLES])
        if count == 1:
            return head
        begin, end = max(self._first + 1, self._inner_first + len(self._inner)), self._first + count - 1
        if begin < end:
            self._inner = np.vstack([self._inner, self._inner_frames(begin, end)])
        tail = self._inner_frames(end, end + 1)
        return np.vstack([head, self._inner[: end - self._inner_first], tail])

    def _known_pitches(self, is_active: NDArray[np.bool_]) -> Pitches:
        spans = _spans(self._samples)
        is_active = is_active[: len(spans)]
        unknown = np.full((len(spans) - len(self._pitches), 2), np.nan)
        self._pitches = np.vstack([self._pitches, unknown])
        missing = is_active & np.isnan(self._pitches[:, 0])
        if missing.any():
            self._pitches[missing] = np.column_stack(pitches(spans[missing]))
        return Pitches(*np.where(is_active, self._pitches.T, 0.0))

    def _forget_before(self, first: int) -> None:
        gone = first - self._first
        self._samples = self._samples[gone * STEP_SAMPLES :]
        self._first = first
        self._pitches = self._pitches[gone:]
        self._inner = self._inner[max(0, first + 1 - self._inner_first) :]
        self._inner_first = max(first + 1, self._inner_first)

    def _inner_frames(self, begin: int, end: int) -> LogEnergies:
        """Energies of the frames with these numbers, which have a sample before them."""
        lo = (begin - self._first) * STEP_SAMPLES - 1
        hi = (end - 1 - self._first) * STEP_SAMPLES + FRAME_SAMPLES
        return inner_energies(self._samples[lo:hi], np.arange(end - begin) * STEP_SAMPLES)
