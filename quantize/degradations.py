"""What can come between a person and the appliance, by name; the same sample always meets it in the same way."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from quantize.datasets.common import Signal

SEED = 5


@dataclass(frozen=True, slots=True)
class Degradation:
    """One way to make a signal worse; its ``level``, in ``unit``, orders those of one ``family``, if there are more.

    ``apply`` leaves what it is given as it is, and gives an array of the same shape and type.
    """

    family: str
    level: float | None
    unit: str
    what: str
    apply: Callable[[Any, np.random.Generator], Any]

    @property
    def name(self) -> str:
        """Family and level, as people say it."""
        return self.family if self.level is None else f"{self.family} {self.level:g} {self.unit}".strip()


class Degraded(Sequence[Signal]):
    """Signals as a sequence of what a degradation makes of each, when it is asked for.

    Chance is seeded by the sample's name alone: neither the order nor the other samples matter, and in all levels
    of a family a sample meets the same noise in the same room.
    """

    def __init__(self, signals: Sequence[Signal], names: Sequence[str], degradation: Degradation) -> None:
        self._signals, self._names, self._degradation = signals, names, degradation

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> Signal: ...
    @overload
    def __getitem__(self, index: slice) -> Degraded: ...
    def __getitem__(self, index: int | slice) -> Signal | Degraded:
        if isinstance(index, slice):
            return Degraded(self._signals[index], self._names[index], self._degradation)
        made: Signal = self._degradation.apply(self._signals[index], rng_of(self._names[index]))
        return made


def rng_of(name: str) -> np.random.Generator:
    """The chance that the sample of this name meets."""
    return np.random.default_rng([SEED, zlib.crc32(name.encode())])
