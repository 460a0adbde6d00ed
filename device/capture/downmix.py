"""Downmix: several channels of sound as one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

WINDOW_S = 0.01
"""How often it is decided, counted from the stream's start: the same sound in other pieces gives the same."""
MEMORY_S = 1.0
_CANCELLED = 0.5
"""The sum of all channels has less than half the power of one of them alone: adding the others took sound away.
Channels that differ add up to more than the strongest, silent ones change nothing."""

FloatingArray = NDArray[np.floating[Any]]


class Downmix:
    """The mean of the channels or, while they cancel each other, the strongest of them.

    One cable with its wires exchanged turns a voice into what the mean leaves nothing of. The powers that decide
    leave out a constant offset, and are remembered for about ``MEMORY_S``.
    """

    def __init__(self, *, rate_hz: float) -> None:
        self._window = max(1, round(WINDOW_S * rate_hz))
        self._keep = math.exp(-self._window / (MEMORY_S * rate_hz))
        self._waiting: FloatingArray = np.zeros((0, 0))
        self._powers: FloatingArray = np.zeros(0)
        self._sum_power = 0.0
        self._strongest: int | None = None

    def push(self, samples: FloatingArray) -> FloatingArray:
        """The mono samples that are decided with these, (samples, channels). One channel passes as it is."""
        if samples.ndim == 1 or samples.shape[1] == 1:
            return np.concatenate([self.flush(), samples.reshape(-1)])
        before: FloatingArray = samples[:0, 0]
        if samples.shape[1] != self._waiting.shape[1]:
            before = self.flush()
            self._begin(samples.shape[1])
        self._waiting = np.concatenate([self._waiting, samples])
        whole = len(self._waiting) // self._window * self._window
        windows, self._waiting = self._waiting[:whole], self._waiting[whole:]
        return np.concatenate([before, self._mixed(windows.reshape(-1, self._window, samples.shape[1]))])

    def flush(self) -> FloatingArray:
        """What waits for its window to be whole, at the end of a stream or before a gap."""
        rest, self._waiting = self._waiting, self._waiting[:0]
        return self._mixed(rest[None]) if len(rest) else np.zeros(0)

    def _begin(self, channels: int) -> None:
        self._waiting, self._powers = np.zeros((0, channels)), np.zeros(channels)
        self._sum_power, self._strongest = 0.0, None

    def _mixed(self, windows: FloatingArray) -> FloatingArray:
        """Windows (count, samples, channels) to mono samples."""
        powers, sum_powers = windows.var(axis=1), windows.sum(axis=2).var(axis=1)
        mono: FloatingArray = windows.mean(axis=2, dtype=np.float64)
        for number, (power, sum_power) in enumerate(zip(powers, sum_powers, strict=True)):
            self._decide(power, float(sum_power))
            if self._strongest is not None:
                mono[number] = windows[number, :, self._strongest]
        return mono.reshape(-1)

    def _decide(self, powers: FloatingArray, sum_power: float) -> None:
        self._powers = self._keep * self._powers + powers
        self._sum_power = self._keep * self._sum_power + sum_power
        most = self._powers.max()
        if self._strongest is None and self._sum_power < _CANCELLED * most:
            self._strongest = int(self._powers.argmax())
        elif self._strongest is not None and self._sum_power >= most:
            self._strongest = None


def to_mono(samples: FloatingArray, rate_hz: float) -> FloatingArray:
    """A whole recording, (samples, channels), as one channel."""
    downmix = Downmix(rate_hz=rate_hz)
    return np.concatenate([downmix.push(samples), downmix.flush()])
