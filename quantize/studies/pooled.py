"""Pooled cases: files, each on the test part of a data set, so that every person is scored once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.models.card import Served
from device.models.tflite import TfliteModel
from quantize.datasets import Dataset, DatasetError, Samples
from quantize.datasets.ravdess import FOLDS, TEST_FOLD
from quantize.datasets.voices import WHOLE
from quantize.evaluation.evaluate import Version, front_end_of, open_model, predict_probabilities
from quantize.evaluation.metrics import CLASSES
from quantize.inputs.preprocess import preprocess
from quantize.studies.degradations import Degradation, degraded

Files = Sequence[tuple[Path, Dataset]]
"""Model files, whose cards stand beside them, and the data set that each is scored on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What the figures of a case are of: a file, and what is served of its answers.

    ``unreadable`` names what does not decode and is left out of ``samples``.
    """

    model: str
    sha256: str
    served: Served | None = None
    dataset: str
    protocol: str
    remarks: tuple[str, ...]
    unreadable: tuple[str, ...]
    samples: int

    @property
    def version(self) -> Version:
        """The file, and what is served of it."""
        return Version(self.sha256, self.served)


def shipped_of(parts: Sequence[Part]) -> str:
    """The net that ships: its fold nets have longer names."""
    return min((part.model for part in parts), key=len)


@dataclass(frozen=True, eq=False, slots=True)
class Case:
    """A net and its samples as the sensors give them: clips whole, of pictures the face."""

    part: Part
    model: TfliteModel
    samples: Samples


@dataclass(frozen=True, eq=False, slots=True)
class SampleProbs:
    """To all samples: probabilities float32 (samples, 7), rows of 0 where ``read`` is false: nothing was said."""

    probs: NDArray[np.float32]
    read: NDArray[np.bool_]

    def right(self, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which samples were read and answered as labelled."""
        return np.asarray(self.read & (self.probs.argmax(axis=1) == labels))


def fold_nets(shipped: Path, cross_validation: Path) -> list[Path]:
    """For each fold of RAVDESS a net that never met it, the shipped one for its own; none if one is not there."""
    others = [cross_validation / f"{shipped.stem}-f{fold}.tflite" for fold in range(len(FOLDS))]
    paths = [shipped if fold == TEST_FOLD else path for fold, path in enumerate(others)]
    return paths if all(path.exists() for path in paths) else []


def left_out_nets(shipped: Path, cross_validation: Path) -> dict[str, Path]:
    """``fold_nets``, ``f0`` to ``f4``, and those without a corpus, by its name; none if one is not there."""
    folds = {f"f{fold}": path for fold, path in enumerate(fold_nets(shipped, cross_validation))}
    others = {name: cross_validation / f"{shipped.stem}-without-{name}.tflite" for name in WHOLE}
    return {**folds, **others} if folds and all(path.exists() for path in others.values()) else {}


def open_cases(files: Files, root: Path) -> list[Case]:
    """One case for each file, whose card stands beside it, and the data set it is scored on.

    Raises ``ModelError``, and ``DatasetError``, also if one person is in two of them.
    """
    cases = [_open(path, dataset, root) for path, dataset in files]
    seen: dict[str, str] = {}
    for case in cases:
        for group in sorted(set(case.samples.groups)):
            if group in seen:
                raise DatasetError(f"{group} is in {seen[group]} and in {case.part.dataset}; name disjoint data sets")
            seen[group] = case.part.dataset
    return cases


def _open(model_path: Path, dataset: Dataset, root: Path) -> Case:
    model = open_model(model_path)
    split, front_end = dataset.split(root), front_end_of(model)
    as_it_is = replace(front_end, preprocess=lambda clip: clip)
    samples = preprocess(front_end if model.card.kind == "face" else as_it_is, split.test, dataset.name)
    part = Part(
        model=model.card.id,
        sha256=model.card.sha256,
        served=model.card.served,
        dataset=dataset.name,
        protocol=split.note,
        remarks=split.remarks,
        unreadable=samples.unreadable,
        samples=len(samples),
    )
    return Case(part, model, samples)


def pooled_samples(cases: Sequence[Case]) -> Samples:
    """The samples of all cases, one after the other."""
    every = [case.samples for case in cases]
    return Samples(
        names=[name for samples in every for name in samples.names],
        signals=[signal for samples in every for signal in samples.signals],
        labels=np.concatenate([samples.labels for samples in every]),
        groups=[group for samples in every for group in samples.groups],
    )


def pooled_answers(cases: Sequence[Case], what: str, degradation: Degradation | None = None) -> SampleProbs:
    """The answers of all cases, one after the other, to their samples as they are or degraded."""
    every = [_answers(case, what, degradation) for case in cases]
    return SampleProbs(np.concatenate([a.probs for a in every]), np.concatenate([a.read for a in every]))


def _answers(case: Case, what: str, degradation: Degradation | None) -> SampleProbs:
    """The one place where the studies ask a net."""
    samples, front_end = case.samples, front_end_of(case.model)
    if degradation is not None:
        samples = replace(samples, signals=degraded(samples.signals, samples.names, degradation))
    number = {name: i for i, name in enumerate(samples.names)}
    taken = preprocess(front_end, samples, what)
    at = [number[name] for name in taken.names]
    result = SampleProbs(np.zeros((len(samples), CLASSES), dtype=np.float32), np.zeros(len(samples), dtype=np.bool_))
    if at:
        result.probs[at] = predict_probabilities(case.model, front_end, taken)
        result.read[at] = True
    return result
