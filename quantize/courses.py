"""How a training part is gone through, an epoch at a time: in which order, and with which variations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from device.readings import EMOTIONS
from quantize.datasets import Samples, Split
from quantize.datasets.voices import corpus_of
from quantize.face_variation import STRONG, FaceVariation, Strength
from quantize.inputs import FrontEnd, masked_log_mel
from quantize.takes import TakeLibrary, Takes
from quantize.voice_variation import varied_energies

Batch = tuple[Any, NDArray[Any]]
"""Model inputs, and the labels or targets to aim at."""


class Course(Protocol):
    """A training part made ready; each epoch is drawn from its own generator, so that a resumed run repeats it."""

    @property
    def steps(self) -> int:
        """Batches in an epoch."""

    def epoch(self, number: int, rng: np.random.Generator) -> Iterator[Batch]:
        """The batches of epoch ``number``, counted from 1."""


Plan = Callable[[Split], Course]
"""What a recipe has: it makes a course of any split's training part."""


@dataclass(frozen=True, slots=True)
class OneByOne:
    """Each sample varied by itself with the front end's ``varied``.

    ``oversample`` repeats the samples of rarer classes until all classes are as frequent as the most frequent one.
    """

    front_end: FrontEnd
    batch_size: int
    oversample: bool

    def __call__(self, split: Split) -> Course:
        """The course of the split's training part."""
        return _OneByOneCourse(self, split.train)


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
    """So many epochs on pieces of the pictures of this side, varied so strongly.

    In ``mixed_share`` of the batches each picture lies over another one, and aims at both in the same proportion
    (mixup, Zhang et al., 2018, with a proportion that is anything alike).
    """

    side_px: int
    epochs: int
    strength: Strength = STRONG
    mixed_share: float = 0.0


@dataclass(frozen=True, slots=True)
class GrowingFaces:
    """Faces varied in the graph, in pieces that grow: small ones cost less (Tan & Le, 2021)."""

    batch_size: int
    stages: tuple[Stage, ...]

    def __call__(self, split: Split) -> Course:
        """The course of the split's training part."""
        return _GrowingFacesCourse(self, split.train, FaceVariation(split.train.signals))

    def stage(self, epoch: int) -> Stage:
        """The stage that ``epoch``, counted from 1, belongs to; the last one has no end."""
        for stage in self.stages:
            epoch -= stage.epochs
            if epoch <= 0:
                return stage
        return self.stages[-1]


@dataclass(frozen=True, eq=False, slots=True)
class _GrowingFacesCourse:
    plan: GrowingFaces
    samples: Samples
    faces: FaceVariation

    @property
    def steps(self) -> int:
        return len(self.samples) // self.plan.batch_size

    def epoch(self, number: int, rng: np.random.Generator) -> Iterator[Batch]:
        stage, seed = self.plan.stage(number), int(rng.integers(2**31))
        order = rng.permutation(len(self.samples))[: self.steps * self.plan.batch_size]
        for step, batch in enumerate(_batches(order, self.plan.batch_size)):
            faces = self.faces(batch, side_px=stage.side_px, seed=(seed, step), strength=stage.strength)
            whole = faces, aims(self.samples)[batch]
            yield mixed(whole, rng) if rng.random() < stage.mixed_share else whole


def mixed(batch: Batch, rng: np.random.Generator) -> Batch:
    """Each sample over its counterpart from the batch's other end, in a proportion of its own."""
    inputs, targets = batch
    part = rng.random(len(targets), dtype=np.float32)
    over, aim = (part.reshape(-1, *[1] * (values.ndim - 1)) for values in (inputs, targets))
    return over * inputs + (1 - over) * inputs[::-1], aim * targets + (1 - aim) * targets[::-1]


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


@dataclass(frozen=True, slots=True)
class BalancedVoices:
    """Voices drawn so that every corpus has its share of an epoch, and every class of a corpus the same.

    ``shares`` are of the corpora that are there; ``smoothing`` is taken from each label and spread over all classes
    (Szegedy et al., 2016). ``clean_share`` of the voices are as they were recorded.
    """

    batch_size: int
    steps: int
    shares: Mapping[str, float]
    clean_share: float
    smoothing: float
    library: TakeLibrary = field(default_factory=TakeLibrary, compare=False)

    def __call__(self, split: Split) -> Course:
        """The course of the split's training part, with its noises."""
        return _BalancedVoicesCourse(self, split.train, self.library.takes_of(split.train, split.noises))


@dataclass(frozen=True, eq=False, slots=True)
class _BalancedVoicesCourse:
    plan: BalancedVoices
    samples: Samples
    takes: Takes

    @property
    def steps(self) -> int:
        return self.plan.steps

    def epoch(self, number: int, rng: np.random.Generator) -> Iterator[Batch]:  # noqa: ARG002 - all epochs are alike
        order = self._order(rng)
        for batch in _batches(order, self.plan.batch_size):
            yield np.stack([self._input(i, rng) for i in batch]), self._aims(batch)

    def _order(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Drawn at even steps along the weights, so that each sample comes as often as its weight says, to one."""
        ends = np.cumsum(sample_weights(self.samples, self.plan.shares))
        count = self.plan.steps * self.plan.batch_size
        places = (np.arange(count) + rng.random(count)) / count * ends[-1]
        return rng.permutation(np.minimum(np.searchsorted(ends, places), len(ends) - 1))

    def _input(self, number: int, rng: np.random.Generator) -> NDArray[np.float32]:
        energies = self.takes.drawn(number, rng, clean_share=self.plan.clean_share)
        return masked_log_mel(varied_energies(energies, rng), rng)

    def _aims(self, batch: NDArray[np.int64]) -> NDArray[np.float32]:
        hard = np.eye(len(EMOTIONS), dtype=np.float32)[self.samples.labels[batch]]
        return (1 - self.plan.smoothing) * hard + np.float32(self.plan.smoothing / len(EMOTIONS))


def sample_weights(samples: Samples, shares: Mapping[str, float]) -> NDArray[np.float64]:
    """What share of an epoch each sample has: its corpus's share over its classes, its class's over its samples."""
    corpora = np.array([corpus_of(name) for name in samples.names])
    weights = np.zeros(len(samples))
    for corpus in np.unique(corpora):
        own = np.flatnonzero(corpora == corpus)
        counts = np.bincount(samples.labels[own], minlength=len(EMOTIONS))
        weights[own] = shares[corpus] / np.count_nonzero(counts) / counts[samples.labels[own]]
    return np.asarray(weights / weights.sum())
