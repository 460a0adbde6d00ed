"""Batches of a training part, an epoch at a time: sampling, order and augmentation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.readings import EMOTIONS
from quantize.augment.copies import CopyLibrary
from quantize.augment.faces import STRONG, FaceVariation, Strength
from quantize.augment.voices import varied_energies
from quantize.datasets import Samples, Split
from quantize.datasets.voices import corpus_of
from quantize.inputs.front_ends import CorpusFrontEnd, masked_log_mel

TrainingBatch = tuple[Any, NDArray[Any]]
"""Model inputs, and the labels or targets to aim at."""


@dataclass(frozen=True, eq=False, slots=True)
class BatchStream:
    """A training part made ready, of ``steps`` batches an epoch.

    ``epoch`` gives the batches of the epoch of this number, counted from 1, from a generator of its own: so a resumed
    run repeats it.
    """

    steps: int
    epoch: Callable[[int, np.random.Generator], Iterator[TrainingBatch]]


BatchPlan = Callable[[Split], BatchStream]
"""What a recipe has: it makes a stream of any split's training part."""


@dataclass(frozen=True, slots=True)
class PerSampleAugment:
    """Each sample varied by itself with the front end's ``varied``.

    ``oversample`` repeats the samples of rarer classes until all classes are as frequent as the most frequent one.
    """

    front_end: CorpusFrontEnd
    batch_size: int
    oversample: bool

    def __call__(self, split: Split) -> BatchStream:
        """The stream of the split's training part."""
        samples = split.train

        def order(rng: np.random.Generator) -> NDArray[np.int64]:
            return epoch_order(samples.labels, rng, oversample=self.oversample)

        def epoch(_: int, rng: np.random.Generator) -> Iterator[TrainingBatch]:
            for batch in _batches(order(rng), self.batch_size):
                inputs = [self.front_end.varied(samples.signals[i], rng) for i in batch]
                yield np.stack(inputs), targets_of(samples)[batch]

        return BatchStream(-(-len(order(np.random.default_rng(0))) // self.batch_size), epoch)


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
class ProgressiveResizing:
    """Faces varied in the graph, in pieces that grow: small ones cost less (Tan & Le, 2021)."""

    batch_size: int
    stages: tuple[Stage, ...]

    def __call__(self, split: Split) -> BatchStream:
        """The stream of the split's training part."""
        samples, varied = split.train, FaceVariation(split.train.signals)
        steps = len(samples) // self.batch_size

        def epoch(number: int, rng: np.random.Generator) -> Iterator[TrainingBatch]:
            stage, seed = self.stage(number), int(rng.integers(2**31))
            order = rng.permutation(len(samples))[: steps * self.batch_size]
            for step, batch in enumerate(_batches(order, self.batch_size)):
                faces = varied(batch, side_px=stage.side_px, seed=(seed, step), strength=stage.strength)
                whole = faces, targets_of(samples)[batch]
                yield mixed(whole, rng) if rng.random() < stage.mixed_share else whole

        return BatchStream(steps, epoch)

    def stage(self, epoch: int) -> Stage:
        """The stage that ``epoch``, counted from 1, belongs to; the last one has no end."""
        for stage in self.stages:
            epoch -= stage.epochs
            if epoch <= 0:
                return stage
        return self.stages[-1]


def mixed(batch: TrainingBatch, rng: np.random.Generator) -> TrainingBatch:
    """Each sample over its counterpart from the batch's other end, in a proportion of its own."""
    inputs, targets = batch
    part = rng.random(len(targets), dtype=np.float32)
    over, aim = (part.reshape(-1, *[1] * (values.ndim - 1)) for values in (inputs, targets))
    return over * inputs + (1 - over) * inputs[::-1], aim * targets + (1 - aim) * targets[::-1]


def targets_of(samples: Samples) -> NDArray[np.int64] | NDArray[np.float32]:
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
class BalancedSampler:
    """Voices drawn so that every corpus has its share of an epoch, and every class of a corpus the same.

    ``shares`` are of the corpora that are there; ``smoothing`` is taken from each label and spread over all classes
    (Szegedy et al., 2016). ``clean_share`` of the voices are as they were recorded.
    """

    batch_size: int
    steps: int
    shares: Mapping[str, float]
    clean_share: float
    smoothing: float
    library: CopyLibrary = field(default_factory=CopyLibrary, compare=False)

    def __call__(self, split: Split) -> BatchStream:
        """The stream of the split's training part, with its noises."""
        copies = self.library.copies_of(split.train, split.noises)

        def epoch(_: int, rng: np.random.Generator) -> Iterator[TrainingBatch]:
            for batch in _batches(self._order(split.train, rng), self.batch_size):
                drawn = (copies.drawn(i, rng, clean_share=self.clean_share) for i in batch)
                inputs = [masked_log_mel(varied_energies(energies, rng), rng) for energies in drawn]
                yield np.stack(inputs), self._targets(split.train.labels[batch])

        return BatchStream(self.steps, epoch)

    def _order(self, samples: Samples, rng: np.random.Generator) -> NDArray[np.int64]:
        """Drawn at even steps along the weights, so that each sample comes as often as its weight says, to one."""
        ends = np.cumsum(sample_weights(samples, self.shares))
        count = self.steps * self.batch_size
        places = (np.arange(count) + rng.random(count)) / count * ends[-1]
        return rng.permutation(np.minimum(np.searchsorted(ends, places), len(ends) - 1))

    def _targets(self, labels: NDArray[np.int64]) -> NDArray[np.float32]:
        hard = np.eye(len(EMOTIONS), dtype=np.float32)[labels]
        return (1 - self.smoothing) * hard + np.float32(self.smoothing / len(EMOTIONS))


def sample_weights(samples: Samples, shares: Mapping[str, float]) -> NDArray[np.float64]:
    """What share of an epoch each sample has: its corpus's share over its classes, its class's over its samples."""
    corpora = np.array([corpus_of(name) for name in samples.names])
    weights = np.zeros(len(samples))
    for corpus in np.unique(corpora):
        own = np.flatnonzero(corpora == corpus)
        counts = np.bincount(samples.labels[own], minlength=len(EMOTIONS))
        weights[own] = shares[corpus] / np.count_nonzero(counts) / counts[samples.labels[own]]
    return np.asarray(weights / weights.sum())
