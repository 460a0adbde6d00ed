"""Sample clock: capture times counted by the sound card, held to the system's monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass

from device.readings import NS_PER_S

SLEW = 1 / 1000
"""Part of a block's lateness that moves the clock: 30 ms blocks then follow a card that is wrong by 100 ppm (9 s a day)
with 3 ms of error, and one block that is late by 50 ms moves it by 0.05 ms."""
STALL_S = 0.5
"""Samples that are late by so much were lost on the way, whether the driver said so or not."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """The number in the stream of a block's first sample, and its monotonic time."""

    first_sample: int
    captured_ns: int


class SampleClock:
    """Numbers the samples of one stream and dates them.

    Without losses, numbers only count. After a loss they jump by the samples that are missing, measured by the
    clock and at least one, so that whoever reads them sees the gap.
    """

    def __init__(self, *, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._next_sample = 0
        self._anchor_ns: int | None = None  # time of sample 0
        self.gaps = 0

    def stamp(self, samples: int, arrived_ns: int, *, overflowed: bool = False) -> Stamp:
        """Take in a block that has just arrived whole. ``overflowed``: the driver says that some before it are lost."""
        if self._anchor_ns is None:
            self._anchor_ns = arrived_ns - self._duration_ns(samples)
        late_ns = arrived_ns - self._time_ns(self._next_sample + samples)
        if overflowed or late_ns > STALL_S * NS_PER_S:
            self._jump(late_ns)
        else:
            # A block cannot arrive before it has been heard, so being early is believed at once.
            self._anchor_ns += late_ns if late_ns < 0 else round(late_ns * SLEW)
        stamp = Stamp(self._next_sample, self._time_ns(self._next_sample))
        self._next_sample += samples
        return stamp

    def _jump(self, late_ns: int) -> None:
        self.gaps += 1
        self._next_sample += max(1, round(late_ns * self._rate_hz / NS_PER_S))

    def _time_ns(self, sample: int) -> int:
        return (self._anchor_ns or 0) + self._duration_ns(sample)

    def _duration_ns(self, samples: int) -> int:
        return round(samples * NS_PER_S / self._rate_hz)
