"""Log energies of speech in 40 mel bands, for a whole clip or as the samples come in: what all speech nets read from.

Built from the parts of ``python_speech_features`` with its filter bank kept between calls: the library's own functions
make the same bank anew each time, which is most of their cost.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from device.features.psf import get_filterbanks, sigproc
from device.signals import RATE_HZ

BANDS = 40
FRAMES = 128
FRAME_SAMPLES = 512
"""32 ms, the FFT's own length."""
STEP_SAMPLES = 375
"""23.4 ms: with it 3 s make exactly 128 frames, and a hop of 0.75 s exactly 32."""
WINDOW_SAMPLES = 3 * RATE_HZ
HOP_SAMPLES = 3 * RATE_HZ // 4
PRE_EMPHASIS = 0.97

LogEnergies = NDArray[np.float64]
"""(frames, 40), natural logarithms."""


@cache
def _filter_bank() -> NDArray[np.float64]:
    return np.asarray(get_filterbanks(BANDS, FRAME_SAMPLES, RATE_HZ, 0, RATE_HZ / 2), dtype=np.float64)


def frame_count(samples: int) -> int:
    """How many frames ``samples`` give; the last one is filled up with zeros."""
    if samples <= FRAME_SAMPLES:
        return 1
    return 1 + -(-(samples - FRAME_SAMPLES) // STEP_SAMPLES)


def log_energies(samples: NDArray[np.int16]) -> LogEnergies:
    """Of a stretch of sound, (frames, 40); equal to ``python_speech_features.logfbank``.

    ``samples``: int16, mono, 16 kHz, at least one.
    """
    emphasised = sigproc.preemphasis(samples.astype(np.float64), PRE_EMPHASIS)
    return _of_frames(sigproc.framesig(emphasised, FRAME_SAMPLES, STEP_SAMPLES))


def _of_frames(frames: NDArray[np.float64]) -> LogEnergies:
    power = sigproc.powspec(frames, FRAME_SAMPLES)
    energies = power @ _filter_bank().T
    return np.asarray(np.log(np.where(energies == 0, np.finfo(np.float64).eps, energies)))


class MelStream:
    """Log energies of a growing stretch of sound; frames already computed are kept.

    ``window()`` equals ``log_energies(stretch[-48000:])`` of everything pushed so far, at each hop: only the
    window's first and last frame depend on where it is cut, so only they are made anew beside the new ones.
    """

    def __init__(self) -> None:
        self._samples = np.zeros(0, dtype=np.int16)
        self._start = 0  # number in the stretch of the first sample still kept
        self._inner: dict[int, LogEnergies] = {}  # first sample of a whole, inner frame -> its energies

    @property
    def length(self) -> int:
        """Samples pushed since the stretch began."""
        return self._start + len(self._samples)

    def push(self, samples: NDArray[np.int16]) -> None:
        """Append int16 mono samples at 16 kHz."""
        self._samples = np.concatenate([self._samples, samples])

    def window(self) -> LogEnergies:
        """Log energies of the last 3 s of the stretch (or of all of it), (1…128, 40)."""
        first = max(0, self.length - WINDOW_SAMPLES)
        # Windows start at whole steps, so that their inner frames are the same frames.
        first = -(-first // STEP_SAMPLES) * STEP_SAMPLES
        self._forget_before(first)
        stretch = self._samples
        starts = [first + i * STEP_SAMPLES for i in range(frame_count(len(stretch)))]
        missing = [s for s in starts[1:-1] if s not in self._inner]
        if missing:
            self._inner.update(zip(missing, self._inner_frames(missing), strict=True))
        head = log_energies(stretch[:FRAME_SAMPLES])
        if len(starts) == 1:
            return head
        tail = self._inner_frames([starts[-1]])
        return np.vstack([head, *(self._inner[s] for s in starts[1:-1]), tail])

    def _forget_before(self, first: int) -> None:
        self._samples = self._samples[first - self._start :]
        self._start = first
        self._inner = {s: e for s, e in self._inner.items() if s > first}

    def _inner_frames(self, starts: list[int]) -> LogEnergies:
        """Frames with a sample before them; what is missing at the end is zero, as ``framesig`` does it."""
        lo = starts[0] - self._start - 1
        hi = starts[-1] - self._start + FRAME_SAMPLES
        emphasised = sigproc.preemphasis(self._samples[lo:hi].astype(np.float64), PRE_EMPHASIS)[1:]
        emphasised = np.pad(emphasised, (0, hi - lo - 1 - len(emphasised)))
        offsets = np.array(starts)[:, None] - starts[0] + np.arange(FRAME_SAMPLES)[None, :]
        return _of_frames(emphasised[offsets])
