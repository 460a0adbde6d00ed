"""Degradations of signals, by name; the same sample always meets one in the same way."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantize.datasets.common import LazySignals, SampleArray

_SEED = 5


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


def degraded(signals: Sequence[SampleArray], names: Sequence[str], degradation: Degradation) -> LazySignals:
    """Signals as a sequence of what a degradation makes of each, when it is needed.

    Chance is seeded by the sample's name alone: neither the order nor the other samples matter, and in all levels
    of a family a sample meets the same noise in the same room.
    """
    return LazySignals(range(len(names)), lambda i: degradation.apply(signals[i], rng_of(names[i])))


def rng_of(name: str) -> np.random.Generator:
    """The chance that the sample of this name meets."""
    return np.random.default_rng([_SEED, zlib.crc32(name.encode())])
