"""What every corpus is brought to: samples with a label, a name that can be found again, and a group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.errors import AffectdError

Signal = NDArray[Any]
"""A face: uint8 (48, 48). A clip of speech: int16 (samples,), mono, 16 kHz."""


class DatasetError(AffectdError):
    """A corpus that is missing, incomplete or not in its official layout."""


@dataclass(frozen=True, eq=False, slots=True)
class Samples:
    """Labelled signals, all sequences of one length.

    ``labels`` index ``device.readings.EMOTIONS``. ``groups`` says what must never stand on both sides of a split
    and what a bootstrap draws: the actor of a clip, the hash of a picture.
    """

    names: Sequence[str]
    signals: Sequence[Signal]
    labels: NDArray[np.int64]
    groups: Sequence[str]

    def __len__(self) -> int:
        return len(self.names)

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Samples:
        """The samples at ``indices``, in that order."""
        return Samples(
            names=[self.names[i] for i in indices],
            signals=[self.signals[i] for i in indices],
            labels=self.labels[np.asarray(indices, dtype=np.int64)],
            groups=[self.groups[i] for i in indices],
        )

    def where(self, keep: Sequence[bool] | NDArray[np.bool_]) -> Samples:
        """The samples for which ``keep`` is true."""
        return self.take(np.flatnonzero(np.asarray(keep)))


@dataclass(frozen=True, eq=False, slots=True)
class Split:
    """One corpus in its three parts. ``note`` says, for the card, how they were made.

    ``clean`` is the test part without what the corpus itself leaks from training; where a corpus leaks nothing it
    is the test part.
    """

    train: Samples
    validation: Samples
    test: Samples
    clean: Samples
    note: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """A corpus by its name. ``load(folder)`` raises ``DatasetError`` that says what is missing and where it is had."""

    name: str
    kind: str
    terms: str
    load: Callable[[Path], Split]

    def split(self, root: Path) -> Split:
        """The corpus under ``root``, which is its own folder or the one that holds it under the corpus's name."""
        own = root / self.name
        return self.load(own if own.is_dir() else root)
