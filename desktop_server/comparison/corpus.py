"""A corpus's test part through both precisions: what each scores, and where they part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desktop_server.comparison.sides import Side
from device.arrays import FloatArray
from device.readings import EMOTIONS
from quantize.datasets import DATASETS, NAMES, Dataset, DatasetError, Samples, find_dataset
from quantize.evaluation.agreement import Closeness, closeness, difference_quantiles
from quantize.evaluation.evaluate import front_end_of, predict_probabilities, preprocessed, served_in_words
from quantize.evaluation.metrics import Scores, score
from quantize.evaluation.significance import Paired
from quantize.evaluation.significance import compare as paired


@dataclass(frozen=True, slots=True)
class LabelDisagreement:
    """A sample to which int8 and float32 give different labels."""

    name: str
    truth: str
    int8: str
    float32: str


@dataclass(frozen=True, slots=True)
class CorpusComparison:
    """All figures. In ``paired`` float32 is the first and int8 the second; ``answer`` says what is served.

    ``protocol``, ``remarks``, ``unreadable`` and ``without_reading`` are as in ``quantize.evaluation.evaluate.Report``.
    """

    dataset: str
    kind: str
    protocol: str
    remarks: tuple[str, ...]
    unreadable: tuple[str, ...]
    without_reading: int
    answer: str
    int8: Scores
    float32: Scores
    closeness: Closeness
    paired: Paired
    difference_quantiles: list[float]
    parted: list[LabelDisagreement]


def dataset_called(name: str, mode: str) -> Dataset:
    """The corpus of this name, of faces or of voices as it has or as ``mode`` says. Raises ``DatasetError``."""
    kinds = [kind for own, kind in DATASETS if own == name]
    if not kinds:
        raise DatasetError(f"there is no corpus {name!r}; known are {', '.join(NAMES)}")
    if len(kinds) > 1 and mode == "both":
        raise DatasetError(f"{name} can hold faces or voices; say which with --mode face or --mode speech")
    return find_dataset(name, kinds[0] if len(kinds) == 1 else mode)


def compare_corpus(dataset: Dataset, root: Path, int8: Side, full: Side) -> CorpusComparison:
    """Every sample of the test part that the appliance would read. Raises ``AffectdError``."""
    split, nets = dataset.split(root), (int8.load_net(dataset.kind), full.load_net(dataset.kind))
    front_end = front_end_of(nets[0])
    samples = preprocessed(nets[0], split.test, dataset.name)
    if not len(samples):
        raise DatasetError(f"{dataset.name}: of {len(split.test)} samples the appliance says nothing about any")
    probs, reference = (predict_probabilities(net, front_end, samples) for net in nets)
    return CorpusComparison(
        dataset=dataset.name,
        kind=dataset.kind,
        protocol=split.note,
        remarks=split.remarks,
        unreadable=samples.unreadable,
        without_reading=len(split.test) - len(samples) - len(samples.unreadable) + len(split.test.unreadable),
        answer=served_in_words(int8.card(dataset.kind)),
        int8=score(probs, samples.labels, samples.groups),
        float32=score(reference, samples.labels, samples.groups),
        closeness=closeness(probs, reference, samples.labels),
        paired=paired(_is_right(reference, samples), _is_right(probs, samples), samples.labels, samples.groups),
        difference_quantiles=difference_quantiles(probs, reference),
        parted=_disagreements(samples, probs.argmax(axis=1), reference.argmax(axis=1)),
    )


def _is_right(probs: FloatArray, samples: Samples) -> NDArray[np.bool_]:
    return np.asarray(probs.argmax(axis=1) == samples.labels)


def _disagreements(
    samples: Samples, guesses: NDArray[np.int64], reference: NDArray[np.int64]
) -> list[LabelDisagreement]:
    return [
        LabelDisagreement(
            samples.names[i], *(str(EMOTIONS[number[i]]) for number in (samples.labels, guesses, reference))
        )
        for i in np.flatnonzero(guesses != reference).tolist()
    ]
