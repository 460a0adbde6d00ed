"""Bandwidth of a microphone or a line: how much of the speech band it lets through, a headset's 4 kHz or all.

What a net has learned from whole voices it misses in half ones, and is as sure of them: the width must be looked at.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from device.features.frames import SpeechFrames
from device.features.mel import band_edges_hz
from device.features.order_statistics import column_quantiles
from device.signals import SAMPLE_RATE_HZ

_PASSED_NP = 23 / (10 / np.log(10))
"""A band is passed whose moments reach within 23 dB of the strongest band's. Of RAVDESS's voices cut at 3 to 7 kHz what
lies above is 26 to 34 dB down (the frames' own window leaks so much). Of whole voices, soft or in noise, too, no window
of RAVDESS, TESS and CREMA-D ends below 6 kHz, and 3 % of nEMO's do: short ones, of vowels alone."""
_LOUD_SHARE = 0.9
"""Sibilants fill the upper bands, for a tenth of the time."""
_MEMORY_WINDOWS = 8
"""6 s of speech: so long a headset that begins to speak by telephone is taken for what it was."""


class BandwidthMeter:
    """The width of one stream: a sibilant shows it and a vowel alone does not, so the widest of some windows counts."""

    def __init__(self) -> None:
        self._recent_hz: deque[float] = deque(maxlen=_MEMORY_WINDOWS)

    def update(self, frames: SpeechFrames) -> None:
        """Take a window of a voice in."""
        self._recent_hz.append(bandwidth_hz(frames))

    @property
    def hz(self) -> float:
        """The upper edge of what the stream lets through, up to 8000."""
        return max(self._recent_hz, default=SAMPLE_RATE_HZ / 2)


def bandwidth_hz(frames: SpeechFrames) -> float:
    """The upper edge of the highest mel band that is passed, up to 8000, in the frames of a voice."""
    loud = column_quantiles(frames.energies[frames.is_active], _LOUD_SHARE)
    highest = int(np.flatnonzero(loud > loud.max() - _PASSED_NP)[-1])
    return min(SAMPLE_RATE_HZ / 2, float(band_edges_hz()[highest + 2]))
