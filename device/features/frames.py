"""Framing of speech: what all features of a voice are made from, for a whole clip or as the samples come in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.features.mel import (
    FRAME_SAMPLES,
    STEP_SAMPLES,
    WINDOW_SAMPLES,
    LogEnergies,
    frame_count,
    inner_energies,
    log_energies,
)
from device.features.pitch import SPAN_SAMPLES, Pitches, pitches


class SpeechFrames(NamedTuple):
    """Of a segment of sound, a frame each 23.4 ms: ``energies`` (frames, 40), and ``pitches`` of those whose 60 ms
    are there, the first ones.
    """

    energies: LogEnergies
    pitches: Pitches


def speech_frames(samples: NDArray[np.int16]) -> SpeechFrames:
    """The frames of a segment: int16, mono, 16 kHz, at least one sample."""
    return SpeechFrames(log_energies(samples), pitches(_spans(samples)))


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
        self._start = 0  # number in the segment of the first sample still kept
        self._inner: dict[int, LogEnergies] = {}  # first sample of a whole, inner frame -> its energies
        self._pitches: dict[int, tuple[float, float]] = {}  # first sample of a span -> its pitch and harmonicity

    @property
    def length(self) -> int:
        """Samples pushed since the segment began."""
        return self._start + len(self._samples)

    def push(self, samples: NDArray[np.int16]) -> None:
        """Append int16 mono samples at 16 kHz."""
        self._samples = np.concatenate([self._samples, samples])

    def window(self) -> SpeechFrames:
        """The frames of the last 3 s of the segment, or of all of it: at most 128."""
        first = max(0, self.length - WINDOW_SAMPLES)
        # Windows start at whole steps, so that their inner frames are the same frames.
        self._forget_before(-(-first // STEP_SAMPLES) * STEP_SAMPLES)
        return SpeechFrames(self._energies(), self._known_pitches())

    def _energies(self) -> LogEnergies:
        starts = [self._start + i * STEP_SAMPLES for i in range(frame_count(len(self._samples)))]
        missing = [s for s in starts[1:-1] if s not in self._inner]
        if missing:
            self._inner.update(zip(missing, self._inner_frames(missing), strict=True))
        head = log_energies(self._samples[:FRAME_SAMPLES])
        if len(starts) == 1:
            return head
        tail = self._inner_frames([starts[-1]])
        return np.vstack([head, *(self._inner[s] for s in starts[1:-1]), tail])

    def _known_pitches(self) -> Pitches:
        starts = range(self._start, self.length - SPAN_SAMPLES + 1, STEP_SAMPLES)
        missing = [s for s in starts if s not in self._pitches]
        if missing:
            found = pitches(_spans(self._samples[missing[0] - self._start :])[: len(missing)])
            self._pitches.update(zip(missing, zip(*found, strict=True), strict=True))
        known = np.array([self._pitches[s] for s in starts]).reshape(-1, 2)
        return Pitches(known[:, 0], known[:, 1])

    def _forget_before(self, first: int) -> None:
        self._samples = self._samples[first - self._start :]
        self._start = first
        self._inner = {s: e for s, e in self._inner.items() if s > first}
        self._pitches = {s: p for s, p in self._pitches.items() if s >= first}

    def _inner_frames(self, starts: list[int]) -> LogEnergies:
        """Energies of frames with a sample before them."""
        lo = starts[0] - self._start - 1
        hi = starts[-1] - self._start + FRAME_SAMPLES
        return inner_energies(self._samples[lo:hi], np.array(starts) - starts[0])
