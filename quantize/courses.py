"""How a training part is gone through, an epoch at a time: in which order, and with which variations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from quantize.datasets import Samples
from quantize.face_variation import FaceVariation
from quantize.inputs import FrontEnd

Batch = tuple[Any, NDArray[Any]]
"""Model inputs, and the labels or targets to aim at."""


class Course(Protocol):
    """A training part made ready; each epoch is drawn from its own generator, so that a resumed run repeats it."""

    @property
    def steps(self) -> int:
        """Batches in an epoch."""

    def epoch(self, number: int, rng: np.random.Generator) -> Iterator[Batch]:
        """The batches of epoch ``number``, counted from 1."""


Plan = Callable[[Samples], Course]
"""What a recipe has: it makes a course of any training part."""


@dataclass(frozen=True, slots=True)
class OneByOne:
    """Each sample varied by itself with the front end's ``varied``.

    ``oversample`` repeats the samples of rarer classes until all classes are as frequent as the most frequent one.
    """

    front_end: FrontEnd
    batch_size: int
    oversample: bool

    def __call__(self, samples: Samples) -> Course:
        """The course of these samples."""
        return _OneByOneCourse(self, samples)


@dataclass(frozen=True, eq=False, slots=True)
class _OneByOneCourse:
    plan: OneByOne
    samples: Samples

    @property
    def steps(self) -> int:
        return -(-len(self._order(np.random.default_rng(0))) // self.plan.batch_size)

    def epoch(self, number: int, rng: np.random.Generator) -> Iterator[Batch]:  # noqa: ARG002 - all epochs are alike
        for batch in _batches(self._order(rng), self.plan.batch_size):
            inputs = [self.plan.front_end.varied(self.samples.signals[i], rng) for i in batch]
            yield np.stack(inputs), aims(self.samples)[batch]

    def _order(self, rng: np.random.Generator) -> NDArray[np.int64]:
        return epoch_order(self.samples.labels, rng, oversample=self.plan.oversample)


@dataclass(frozen=True, slots=True)
class Stage:
    """So many epochs on pieces of the pictures of this side."""

    side_px: int
    epochs: int


@dataclass(frozen=True, slots=True)
class GrowingFaces:
    """Faces varied in the graph, in pieces that grow: small ones cost less (Tan & Le, 2021)."""

    batch_size: int
    stages: tuple[Stage, ...]

    def __call__(self, samples: Samples) -> Course:
        """The course of these samples."""
        return _GrowingFacesCourse(self, samples, FaceVariation(samples.signals))

    def side_px(self, epoch: int) -> int:
        """The side in ``epoch``, counted from 1; after the last stage it stays what it was there."""
        for stage in self.stages:
            epoch -= stage.epochs
            if epoch <= 0:
                return stage.side_px
        return self.stages[-1].side_px


@dataclass(frozen=True, eq=False, slots=True)
class _GrowingFacesCourse:
    plan: GrowingFaces
    samples: Samples
    faces: FaceVariation

    @property
    def steps(self) -> int:
        return len(self.samples) // self.plan.batch_size

    def epoch(self, number: int, rng: np.random.Generator) -> Iterator[Batch]:
        side_px, seed = self.plan.side_px(number), int(rng.integers(2**31))
        order = rng.permutation(len(self.samples))[: self.steps * self.plan.batch_size]
        for step, batch in enumerate(_batches(order, self.plan.batch_size)):
            yield self.faces(batch, side_px=side_px, seed=(seed, step)), aims(self.samples)[batch]


def aims(samples: Samples) -> NDArray[np.int64] | NDArray[np.float32]:
    """What training aims at: the samples' targets, or their labels where they have none."""
    return samples.labels if samples.targets is None else samples.targets


def epoch_order(labels: NDArray[np.int64], rng: np.random.Generator, *, oversample: bool) -> NDArray[np.int64]:
    """The order of one epoch's samples: each once, or each class as often as the most frequent one."""
    if not oversample:
        return rng.permutation(len(labels))
    most = int(np.bincount(labels).max())
    drawn = []
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        again = rng.choice(own, most - len(own), replace=most - len(own) > len(own))
        drawn += [own, again]
    return rng.permutation(np.concatenate(drawn))


def _batches(order: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    for first in range(0, len(order), size):
        yield order[first : first + size]
