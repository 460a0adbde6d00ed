"""Data set interface: samples with a label, a name that can be found again, and a group; and their split."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from device.errors import AffectdError
from device.readings import EMOTIONS, Emotion

SampleArray = NDArray[Any]
"""A face as FER2013 frames it: uint8 (48, 48). A picture that may hold a face: uint8 (height, width) of any other size.
A clip of speech: int16 (samples,), mono, 16 kHz."""


class DatasetError(AffectdError):
    """A corpus that is missing, incomplete or not in its official layout."""


class UnreadableSignal(DatasetError):
    """One picture or clip of a corpus that does not decode. It is named, counted and left out."""


class LazySignals(Sequence[SampleArray]):
    """Signals that ``read`` makes of files, or of whatever ``items`` are, each when it is needed."""

    def __init__(self, items: Sequence[Any], read: Callable[[Any], SampleArray]) -> None:
        self._items, self._read = items, read

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> SampleArray: ...
    @overload
    def __getitem__(self, index: slice) -> LazySignals: ...
    def __getitem__(self, index: int | slice) -> SampleArray | LazySignals:
        if isinstance(index, slice):
            return LazySignals(self._items[index], self._read)
        return self._read(self._items[index])

    def take(self, indices: Iterable[int]) -> LazySignals:
        """Those at ``indices``, still unread."""
        return LazySignals([self._items[i] for i in indices], self._read)

    def followed_by(self, other: LazySignals) -> LazySignals:
        """These and the other ones, which are read alike. Raises ``ValueError`` if they are not."""
        if other._read is not self._read:
            raise ValueError("signals that are read in different ways do not make one sequence")
        return LazySignals([*self._items, *other._items], self._read)


@dataclass(frozen=True, eq=False, slots=True)
class Samples:
    """Labelled signals, all sequences of one length.

    ``labels`` index ``device.readings.EMOTIONS``. ``groups`` says what must never stand on both sides of a split
    and what a bootstrap draws: the actor of a clip, the person in a picture or, where nobody knows, its hash.
    ``targets`` are what training aims at where that says more than the labels: float32 (samples, heads, 7), a
    distribution for each of a net's heads, or less than one where it weighs less. ``unreadable`` names what belongs
    here but did not decode.
    """

    names: Sequence[str]
    signals: Sequence[SampleArray]
    labels: NDArray[np.int64]
    groups: Sequence[str]
    targets: NDArray[np.float32] | None = None
    unreadable: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def take(self, indices: Sequence[int] | NDArray[np.int64]) -> Samples:
        """The samples at ``indices``, in that order."""
        return Samples(
            names=[self.names[i] for i in indices],
            signals=_taken(self.signals, indices),
            labels=self.labels[np.asarray(indices, dtype=np.int64)],
            groups=[self.groups[i] for i in indices],
            targets=None if self.targets is None else self.targets[np.asarray(indices, dtype=np.int64)],
            unreadable=self.unreadable,
        )

    def where(self, keep: Sequence[bool] | NDArray[np.bool_]) -> Samples:
        """The samples for which ``keep`` is true."""
        return self.take(np.flatnonzero(np.asarray(keep)))


def _taken(signals: Sequence[SampleArray], indices: Sequence[int] | NDArray[np.int64]) -> Sequence[SampleArray]:
    return signals.take(indices) if isinstance(signals, LazySignals) else [signals[i] for i in indices]


@dataclass(frozen=True, eq=False, slots=True)
class Split:
    """One corpus in its three parts. ``note`` says, for the card, how they were made.

    ``clean`` is the test part without what the corpus itself leaks from training; where a corpus leaks nothing it
    is the test part. ``remarks`` say what this copy of the corpus lacks, for whoever reads the figures. ``noises`` are
    sounds to mix under voices in training, int16 (samples,), 16 kHz.
    """

    train: Samples
    validation: Samples
    test: Samples
    clean: Samples
    note: str
    remarks: tuple[str, ...] = ()
    noises: Sequence[SampleArray] = ()


def only_a_test(samples: Samples, note: str, remarks: tuple[str, ...] = ()) -> Split:
    """A corpus that is a test as a whole, with nothing to train on or to choose by."""
    nothing = Samples(names=(), signals=(), labels=np.zeros(0, dtype=np.int64), groups=())
    return Split(train=nothing, validation=nothing, test=samples, clean=samples, note=note, remarks=remarks)


def of_emotions(samples: Samples, emotions: Iterable[Emotion]) -> Samples:
    """The samples that show one of these. Raises ``DatasetError`` if there is none of one."""
    chosen = tuple(emotions)
    require_emotions(samples, chosen, "the test part")
    return samples.where(np.isin(samples.labels, [EMOTIONS.index(emotion) for emotion in chosen]))


def require_emotions(samples: Samples, emotions: Iterable[Emotion], where: str) -> None:
    """Raise ``DatasetError`` that begins with ``where`` if one of the emotions has no sample."""
    missing = [str(emotion) for emotion in emotions if not np.any(samples.labels == EMOTIONS.index(emotion))]
    if missing:
        raise DatasetError(f"{where}: not one sample of {', '.join(missing)}")


@dataclass(frozen=True, slots=True)
class Dataset:
    """A corpus by its name. ``load(folder)`` raises ``DatasetError`` that says what is missing and where it is had.

    ``folder`` is what its own folder is called, where that is not its name. ``made_of`` says what a folder has to hold
    where it is no corpus's own. ``head`` is whose judgement its labels are: a net that has several heads is
    validated while it is trained by that one, by default by the first. It is scored by what is served of all.
    """

    name: str
    kind: str
    terms: str
    load: Callable[[Path], Split]
    folder: str = ""
    head: str = ""
    made_of: str = ""

    def split(self, root: Path) -> Split:
        """The corpus under ``root``, which is its own folder or the one that holds it under the corpus's name."""
        if not root.is_dir():
            held = self.made_of or self.folder or self.name
            raise DatasetError(f"{root}: there is no such folder; name the one that holds {held} with --root")
        own = root / (self.folder or self.name)
        return self.load(own if own.is_dir() else root)
