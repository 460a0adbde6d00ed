"""One model file against another on the same samples: is it better, or is that chance?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quantize.cases import Case, Part, open_cases, pooled_answers
from quantize.datasets import Dataset, DatasetError, Samples
from quantize.evaluate import served_in_words
from quantize.paired import Paired, compare

Bools = NDArray[np.bool_]

PROTOCOL = (
    "every sample of the test part that at least one of the two reads, through the appliance's own features; what only "
    "one of them reads the other has not right"
)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two files: what of its answers is served, and how many of the samples it does not read."""

    part: Part
    answer: str
    without_reading: int


@dataclass(frozen=True, slots=True)
class Against:
    """A file (``model``) against another (``than``); in ``paired`` the latter is the first.

    So differences are the former's figure minus the latter's. ``neither_reads`` samples are in no figure.
    """

    kind: str
    protocol: str
    model: Side
    than: Side
    neither_reads: int
    paired: Paired


@dataclass(frozen=True, eq=False, slots=True)
class _Heard:
    """Which samples of the whole test part a file reads, and which it reads and answers as labelled."""

    read: Bools
    right: Bools


def study(model: Path, than: Path, dataset: Dataset, root: Path) -> Against:
    """Ask both files, whose cards stand beside them, about the test part of the corpus under ``root``.

    Raises ``ModelError``, and ``DatasetError`` if neither of them reads anything there.
    """
    split = dataset.split(root)
    read_once = replace(dataset, load=lambda _: split)
    own, other = (open_cases([(path, read_once)], root)[0] for path in (model, than))
    return compare_cases(own, other, split.test)


def compare_cases(own: Case, other: Case, whole: Samples) -> Against:
    """What the two, each with those of the ``whole`` samples that it gets to see, have right.

    Raises ``DatasetError`` if neither of them reads anything.
    """
    ours, theirs = _heard(own, whole), _heard(other, whole)
    either = ours.read | theirs.read
    if not either.any():
        raise DatasetError(f"{own.part.dataset}: of {len(whole)} test samples neither file reads any")
    samples = whole.where(either)
    undecoded = len(own.part.unreadable) - len(whole.unreadable)
    return Against(
        kind=own.model.card.kind,
        protocol=f"{PROTOCOL}; {own.part.protocol}",
        model=_side(own, ours, either),
        than=_side(other, theirs, either),
        neither_reads=int(np.sum(~either)) - undecoded,
        paired=compare(theirs.right[either], ours.right[either], samples.labels, samples.groups),
    )


def _heard(case: Case, whole: Samples) -> _Heard:
    number = {name: i for i, name in enumerate(whole.names)}
    at = [number[name] for name in case.samples.names]
    given = pooled_answers([case], case.part.model)
    heard = _Heard(np.zeros(len(whole), dtype=np.bool_), np.zeros(len(whole), dtype=np.bool_))
    heard.read[at] = given.read
    heard.right[at] = given.right(case.samples.labels)
    return heard


def _side(case: Case, heard: _Heard, either: Bools) -> Side:
    return Side(case.part, served_in_words(case.model.card), int(np.sum(either & ~heard.read)))
