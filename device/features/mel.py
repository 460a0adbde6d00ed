"""Log-mel energies of speech in 40 bands: what all speech nets read from.

Built from the parts of ``python_speech_features`` with its filter bank kept between calls: the library's own functions
make the same bank anew each time, which is most of their cost.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from device.features.psf import get_filterbanks, sigproc
from device.signals import SAMPLE_RATE_HZ

BANDS = 40
FRAMES = 128
FRAME_SAMPLES = 512
"""32 ms, the FFT's own length."""
STEP_SAMPLES = 375
"""23.4 ms: with it 3 s make exactly 128 frames, and a hop of 0.75 s exactly 32."""
WINDOW_SAMPLES = 3 * SAMPLE_RATE_HZ
HOP_SAMPLES = 3 * SAMPLE_RATE_HZ // 4
PRE_EMPHASIS = 0.97

LogEnergies = NDArray[np.float64]
"""(frames, 40), natural logarithms."""


@cache
def _filter_bank() -> NDArray[np.float64]:
    return np.asarray(get_filterbanks(BANDS, FRAME_SAMPLES, SAMPLE_RATE_HZ, 0, SAMPLE_RATE_HZ / 2), dtype=np.float64)


@cache
def band_edges_hz() -> NDArray[np.float64]:
    """Where the 40 bands begin, peak and end, (42,): band i does at i, i + 1 and i + 2."""
    highest = 2595 * np.log10(1 + SAMPLE_RATE_HZ / 2 / 700)
    return np.asarray(700 * (10 ** (np.linspace(0, highest, BANDS + 2) / 2595) - 1))


def frame_count(samples: int) -> int:
    """How many frames ``samples`` give; the last one is filled up with zeros."""
    if samples <= FRAME_SAMPLES:
        return 1
    return 1 + -(-(samples - FRAME_SAMPLES) // STEP_SAMPLES)


def log_energies(samples: NDArray[np.int16]) -> LogEnergies:
    """Of a segment of sound, (frames, 40); equal to ``python_speech_features.logfbank``.

    ``samples``: int16, mono, 16 kHz, at least one.
    """
    emphasised = sigproc.preemphasis(samples.astype(np.float64), PRE_EMPHASIS)
    return _of_frames(sigproc.framesig(emphasised, FRAME_SAMPLES, STEP_SAMPLES))


def _of_frames(frames: NDArray[np.float64]) -> LogEnergies:
    power = sigproc.powspec(frames, FRAME_SAMPLES)
    energies = power @ _filter_bank().T
    return np.asarray(np.log(np.where(energies == 0, np.finfo(np.float64).eps, energies)))


def inner_energies(samples: NDArray[np.int16], offsets: NDArray[np.int64]) -> LogEnergies:
    """Of the frames that begin at ``offsets`` from the second of ``samples`` on: the first one is what came before.

    What is missing at the end is zero, as ``framesig`` does it.
    """
    emphasised = sigproc.preemphasis(samples.astype(np.float64), PRE_EMPHASIS)[1:]
    emphasised = np.pad(emphasised, (0, max(0, int(offsets[-1]) + FRAME_SAMPLES - len(emphasised))))
    return _of_frames(emphasised[offsets[:, np.newaxis] + np.arange(FRAME_SAMPLES)])
