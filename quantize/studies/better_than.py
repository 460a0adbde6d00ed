"""Significance of the difference between two model files on the same samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from device.arrays import BoolArray
from quantize.datasets import Dataset, DatasetError, Samples
from quantize.evaluation.evaluate import Version, kind_of, served_in_words
from quantize.evaluation.significance import Paired, compare
from quantize.studies.pooled import Case, Part, open_cases, pooled_answers

_PROTOCOL = (
    "every sample of the test part that at least one of the two reads, through the appliance's own features; what only "
    "one of them reads the other has not right"
)


@dataclass(frozen=True, slots=True)
class ComparedFile:
    """One of the two files: what of its answers is served, and how many of the samples it does not read."""

    part: Part
    answer: str
    without_reading: int


@dataclass(frozen=True, slots=True)
class BetterThan:
    """A file (``model``) against another (``than``); in ``paired`` the latter is the first.

    So differences are the former's figure minus the latter's. ``neither_reads`` samples are in no figure.
    """

    kind: str
    protocol: str
    model: ComparedFile
    than: ComparedFile
    neither_reads: int
    paired: Paired

    @property
    def made_of(self) -> tuple[Version, ...]:
        """Both files."""
        return (self.model.part.version, self.than.part.version)


def study(model: Path, than: Path, dataset: Dataset, root: Path) -> BetterThan:
    """Ask both files, whose cards stand beside them, about the test part of the corpus under ``root``.

    Raises ``ModelError``, and ``DatasetError`` if one reads faces and the other voices, or neither reads anything.
    """
    kind, other_kind = kind_of(model), kind_of(than)
    if kind != other_kind:
        raise DatasetError(f"{model} is a {kind} model and {than} a {other_kind} model; no sample can be asked of both")
    split = dataset.split(root)
    read_once = replace(dataset, load=lambda _: split)
    own, other = (open_cases([(path, read_once)], root)[0] for path in (model, than))
    return compare_cases(own, other, split.test)


def compare_cases(own: Case, other: Case, whole: Samples) -> BetterThan:
    """What the two, each with those of the ``whole`` samples that it gets to see, have right.

    Raises ``DatasetError`` if neither of them reads anything.
    """
    read, right = zip(*(_read_and_right(case, whole) for case in (own, other)), strict=True)
    either = read[0] | read[1]
    if not either.any():
        raise DatasetError(f"{own.part.dataset}: of {len(whole)} test samples neither file reads any")
    samples = whole.where(either)
    undecoded = len(own.part.unreadable) - len(whole.unreadable)
    sides = [
        ComparedFile(case.part, served_in_words(case.model.card), int(np.sum(either & ~its)))
        for case, its in zip((own, other), read, strict=True)
    ]
    return BetterThan(
        kind=own.model.card.kind,
        protocol=f"{_PROTOCOL}; {own.part.protocol}",
        model=sides[0],
        than=sides[1],
        neither_reads=int(np.sum(~either)) - undecoded,
        paired=compare(right[1][either], right[0][either], samples.labels, samples.groups),
    )


def _read_and_right(case: Case, whole: Samples) -> tuple[BoolArray, BoolArray]:
    """Which samples of the whole test part a file reads, and which it reads and answers as labelled."""
    given = pooled_answers([case], case.part.model)
    answered = dict(
        zip(case.samples.names, zip(given.read, given.right(case.samples.labels), strict=True), strict=True)
    )
    read, right = zip(*(answered.get(name, (False, False)) for name in whole.names), strict=True)
    return np.array(read, dtype=np.bool_), np.array(right, dtype=np.bool_)
