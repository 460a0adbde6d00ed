"""Removal of a constant offset and mains hum: what a microphone adds of its own, and no voice has."""

from __future__ import annotations

import cmath
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.arrays import DoubleArray, PcmArray
from device.signals import SAMPLE_RATE_HZ

MAINS_HZ = (50.0, 60.0)
_NOTCH_WIDTH_HZ = 1.6
"""Between the points of half power: the least that takes 12 dB from mains that are off by 0.2 Hz, as they are at most.
What is taken out more widely is missing from the lowest bands of clean voices, by which the nets were trained."""
_OFFSET_BELOW_HZ = 5.0
TAKEN_OUT = f"below {_OFFSET_BELOW_HZ:g} Hz; {_NOTCH_WIDTH_HZ:g} Hz at {' and '.join(f'{hz:g}' for hz in MAINS_HZ)} Hz"
"""What figures of voices say of themselves, as they hold for sound that is heard so. The versions of features do not:
a net reads what is left as well as what it learnt from, so every set that is installed goes on."""
_BLOCK_SAMPLES, _BLOCKS = 32, 15
_PIECE_SAMPLES = _BLOCKS * _BLOCK_SAMPLES
"""30 ms, as sources give them. The poles' powers over so long stay between a third and one."""


class HumFilter:
    """Takes the offset and the hum out of one stream of sound, without delay.

    A first-order high-pass at 5 Hz, and notches at 50 and 60 Hz (Oppenheim & Schafer, Discrete-Time Signal
    Processing: zeros on the unit circle, poles of the same angle just inside). What else is in a voice passes as it
    is. ``reset`` begins another stream.

    All three are one filter, whose poles stand beside one another (by partial fractions), and work on a piece of 30 ms
    by blocks (Burrus, 1972): in each the samples before it count by the poles' states alone. A recursion from sample to
    sample would give the same.
    """

    def __init__(self) -> None:
        self._joined = np.empty((_BLOCKS, _BLOCK_SAMPLES + _STATE))
        """A block of sound a row, and the state before it."""
        self._left = np.empty((_BLOCKS + 1, _STATE))
        """The state before a piece, and what each of its blocks leaves."""
        self.reset()

    def reset(self) -> None:
        """Forget: what comes next does not follow what was."""
        self._offset: float | None = None
        self._left[0] = 0.0

    def __call__(self, samples: PcmArray) -> PcmArray:
        """The next samples (16 kHz; any number) without offset and hum."""
        if len(samples) == _PIECE_SAMPLES:
            return self._filtered(samples)
        pieces = [samples[at : at + _PIECE_SAMPLES] for at in range(0, len(samples), _PIECE_SAMPLES)]
        return np.concatenate([samples[:0], *map(self._filtered, pieces)])

    def _filtered(self, samples: PcmArray) -> PcmArray:
        if self._offset is None:
            self._offset = float(samples[0])  # a stream begins in the midst of its offset, not with a step to it
        missing = _PIECE_SAMPLES - len(samples)
        if missing:  # silence before it, from a state that is the present one after so much of it
            samples = np.concatenate([np.full(missing, self._offset), samples])
            self._left[0] = _power(-missing) @ self._left[0]
        wave = self._piece(samples, self._offset)[missing:]
        return np.asarray(np.rint(wave, out=wave).clip(-32768, 32767), dtype=np.int16)

    def _piece(self, samples: NDArray[Any], offset: float) -> DoubleArray:
        blocks = self._joined[:, :_BLOCK_SAMPLES]
        np.subtract(samples.reshape(blocks.shape), offset, out=blocks)
        np.matmul(blocks, _FILTER.to_state, out=self._left[1:])
        states = (_FILTER.states @ self._left.ravel()).reshape(self._left.shape)
        self._joined[:, _BLOCK_SAMPLES:] = states[:-1]
        self._left[0] = states[-1]
        return np.asarray(self._joined @ _FILTER.output).ravel()


class _Roots(NamedTuple):
    """A filter's zeros and poles in the z-plane, each with its conjugate."""

    zeros: list[complex]
    poles: list[complex]


class _BlockFilter(NamedTuple):
    """A filter as matrices. A state has two numbers for each pole, real and imaginary.

    ``to_state`` (block, state): what a block leaves behind. ``states``: from the state before a piece and what each
    block leaves to the states before each block and at the end. ``output`` (block + state, block): what a block gives,
    by itself and by the state before it.
    """

    to_state: DoubleArray
    states: DoubleArray
    output: DoubleArray


def _high_pass(hz: float) -> _Roots:
    return _Roots([1.0], [1 - 2 * math.pi * hz / SAMPLE_RATE_HZ])


def _notch(hz: float) -> _Roots:
    zero = cmath.exp(2j * math.pi * hz / SAMPLE_RATE_HZ)
    pole = (1 - math.pi * _NOTCH_WIDTH_HZ / SAMPLE_RATE_HZ) * zero
    return _Roots([zero, zero.conjugate()], [pole, pole.conjugate()])


def _joined(filters: list[_Roots]) -> _Roots:
    return _Roots([z for f in filters for z in f.zeros], [p for f in filters for p in f.poles])


_ROOTS = _joined([_high_pass(_OFFSET_BELOW_HZ), *map(_notch, MAINS_HZ)])
_POLES: NDArray[np.complex128] = np.array([pole for pole in _ROOTS.poles if pole.imag >= 0], dtype=np.complex128)
"""One of each pair: the other one's share is its conjugate."""
_STATE = 2 * len(_POLES)


def _block_filter() -> _BlockFilter:
    moments = np.arange(_BLOCK_SAMPLES)
    weights = np.array([_weight(pole) for pole in _POLES])[:, np.newaxis]
    echoes = (weights * _POLES[:, np.newaxis] ** moments).real.sum(axis=0)
    echoes[0] = 1.0  # with the direct path, which takes the rest
    delays = moments - moments[:, np.newaxis]
    within = np.where(delays >= 0, echoes[delays], 0.0)
    # The real part of a product: less the imaginary parts'.
    from_state = _in_pairs((weights * _POLES[:, np.newaxis] ** (moments + 1)).conj())
    return _BlockFilter(
        to_state=np.ascontiguousarray(_in_pairs(_POLES[:, np.newaxis] ** moments[::-1]).T),
        states=_between_blocks(),
        output=np.vstack([within, from_state]),
    )


def _weight(pole: complex) -> complex:
    """A pole's share of the output, with that of its conjugate (the residue of the partial fraction)."""
    others = [other for other in _ROOTS.poles if other != pole]
    share = np.prod([1 - zero / pole for zero in _ROOTS.zeros]) / np.prod([1 - other / pole for other in others])
    return complex(share * (2 if pole.imag else 1))


def _in_pairs(rows: NDArray[Any]) -> DoubleArray:
    """Of each complex row, (rows, columns), a real and an imaginary one, (2 × rows, columns)."""
    return np.stack([rows.real, rows.imag], axis=1).reshape(-1, rows.shape[1])


def _between_blocks() -> DoubleArray:
    steps = [_power(_BLOCK_SAMPLES * blocks) for blocks in range(_BLOCKS + 1)]
    nothing = np.zeros_like(steps[0])
    # Before block k the state is what the piece began with, k blocks on, and what each block j < k left, k-1-j on.
    return np.block(
        [[steps[k], *(steps[k - 1 - j] if j < k else nothing for j in range(_BLOCKS))] for k in range(_BLOCKS + 1)]
    )


def _power(samples: int) -> DoubleArray:
    """What becomes of a state in so many samples of silence, (state, state)."""
    turns = _POLES**samples
    return np.kron(np.diag(turns.real), np.eye(2)) + np.kron(np.diag(turns.imag), [[0.0, -1.0], [1.0, 0.0]])


_FILTER = _block_filter()


def without_hum(clip: PcmArray) -> PcmArray:
    """A whole clip (int16, mono, 16 kHz) as a stream of it is heard."""
    return HumFilter()(clip)
