"""Removal of a constant offset and mains hum: what a microphone adds of its own, and no voice has."""

from __future__ import annotations

import cmath
import math

import numpy as np
from numpy.typing import NDArray

from device.arrays import DoubleArray
from device.signals import SAMPLE_RATE_HZ

MAINS_HZ = (50.0, 60.0)
_NOTCH_WIDTH_HZ = 1.6
"""Between the points of half power: the least that takes 12 dB from mains that are off by 0.2 Hz, as they are at most.
What is taken out more widely is missing from the lowest bands of clean voices, by which the nets were trained."""
_OFFSET_BELOW_HZ = 5.0
TAKEN_OUT = f"below {_OFFSET_BELOW_HZ:g} Hz; {_NOTCH_WIDTH_HZ:g} Hz at {' and '.join(f'{hz:g}' for hz in MAINS_HZ)} Hz"
"""What figures of voices say of themselves, as they hold for sound that is heard so. The versions of features do not:
a net reads what is left as well as what it learnt from, so every set that is installed goes on."""
_PIECE_SAMPLES = 480
"""30 ms, as sources give them. The poles' powers over so long stay between a third and one."""


class HumFilter:
    """Takes the offset and the hum out of one stream of sound, without delay.

    A first-order high-pass at 5 Hz, and notches at 50 and 60 Hz (Oppenheim & Schafer, Discrete-Time Signal
    Processing: zeros on the unit circle, poles of the same angle just inside). What else is in a voice passes as it
    is. ``reset`` begins another stream.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget: what comes next does not follow what was."""
        self._offset: float | None = None
        self._stages = (_high_pass(_OFFSET_BELOW_HZ), *map(_notch, MAINS_HZ))

    def __call__(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        """The next samples (int16, 16 kHz; any number) without offset and hum."""
        pieces = [samples[at : at + _PIECE_SAMPLES] for at in range(0, len(samples), _PIECE_SAMPLES)]
        return np.concatenate([samples[:0], *map(self._filtered, pieces)])

    def _filtered(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        if self._offset is None:
            self._offset = float(samples[0])  # a stream begins in the midst of its offset, not with a step to it
        wave = samples.astype(np.float64) - self._offset
        for stage in self._stages:
            wave = stage(wave)
        return np.asarray(np.clip(np.rint(wave), -32768, 32767), dtype=np.int16)


class _Stage:
    """A filter of some taps and one complex pole or, by partial fractions, of two conjugate ones.

    ``weight`` times what the pole gives, its real part, is the output.
    """

    def __init__(self, taps: tuple[float, ...], pole: complex, weight: complex) -> None:
        self._taps = np.array(taps)
        self._before = np.zeros(len(taps) - 1)
        self._powers = pole ** np.arange(1, _PIECE_SAMPLES + 1)
        self._shares, self._weighted = 1 / self._powers, weight * self._powers
        self._last = 0j

    def __call__(self, wave: DoubleArray) -> DoubleArray:
        count = len(wave)
        wave = np.concatenate([self._before, wave])
        self._before = wave[-len(self._before) :]
        # The recursion y[n] = x[n] + pole · y[n-1] for all samples at once.
        driven = np.convolve(wave, self._taps, mode="valid")
        sums = self._last + np.cumsum(driven * self._shares[:count])
        self._last = complex(sums[-1] * self._powers[count - 1])
        return np.asarray((sums * self._weighted[:count]).real)


def _high_pass(hz: float) -> _Stage:
    return _Stage((1.0, -1.0), complex(1 - 2 * math.pi * hz / SAMPLE_RATE_HZ), 1.0)


def _notch(hz: float) -> _Stage:
    angle = 2 * math.pi * hz / SAMPLE_RATE_HZ
    pole = (1 - math.pi * _NOTCH_WIDTH_HZ / SAMPLE_RATE_HZ) * cmath.exp(1j * angle)
    return _Stage((1.0, -2 * math.cos(angle), 1.0), pole, 2 * pole / (pole - pole.conjugate()))


def without_hum(clip: NDArray[np.int16]) -> NDArray[np.int16]:
    """A whole clip (int16, mono, 16 kHz) as a stream of it is heard."""
    return HumFilter()(clip)
