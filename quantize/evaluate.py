"""Scores a model file as the appliance runs it: its card, its interpreter, its features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from device.errors import ModelError
from device.models.card import Card, read_card
from device.models.net import Net
from device.models.tflite import TfliteModel
from quantize.datasets import Dataset, DatasetError, Samples, Split
from quantize.hearing import heard
from quantize.inputs import FRONT_ENDS, FrontEnd
from quantize.metrics import CLASSES, Scores, calibration_error, score
from quantize.temperature import tempered


@dataclass(frozen=True, slots=True)
class Report:
    """What one file scores on one corpus, and what the figures leave out.

    ``protocol`` says how the test part was made and ``remarks`` what this copy of the corpus lacks. ``unreadable``
    names the samples that do not decode; ``without_reading`` counts those of which the appliance says nothing.
    ``test`` is the whole test part but those, ``clean`` the same without what the corpus leaks from its training
    part. ``told``, where the corpus has not all classes, is ``test`` with the model told which ones there are: its
    probabilities for the others are set to 0.

    ``answer`` is which of the model's answers is scored, at ``temperature``, as the appliance serves it;
    ``untempered_calibration_error`` is what ``test`` would have at 1. No other figure depends on the temperature.
    """

    model: str
    sha256: str
    dataset: str
    protocol: str
    remarks: tuple[str, ...]
    unreadable: tuple[str, ...]
    without_reading: int
    answer: str
    temperature: float
    untempered_calibration_error: float
    test: Scores
    clean: Scores
    told: Scores | None


def evaluate(model_path: Path, dataset: Dataset, split: Split) -> Report:
    """Score the file at ``model_path``, whose card stands beside it, on the test part of a split of the corpus.

    Raises ``ModelError``, and ``DatasetError`` if nothing of the corpus can be scored.
    """
    model = TfliteModel(read_card(model_path.with_suffix(".json")), model_path.parent)
    front_end = front_end_of(model)
    samples = heard(front_end, split.test, "test")
    if not len(samples):
        raise DatasetError(f"{dataset.name}: of {len(split.test)} test samples the appliance says nothing about any")
    number = answer_number(model.card, dataset.answer)
    answer = model.card.answers[number]
    untempered = outputs(model, front_end, samples)[:, number]
    probs = tempered(untempered, answer.temperature)
    clean_names = set(split.clean.names)
    is_clean = np.array([name in clean_names for name in samples.names])
    clean = samples.where(is_clean)
    undecoded = len(samples.unreadable) - len(split.test.unreadable)
    return Report(
        model=model.card.id,
        sha256=model.card.sha256,
        dataset=dataset.name,
        protocol=split.note,
        remarks=split.remarks,
        unreadable=samples.unreadable,
        without_reading=len(split.test) - len(samples) - undecoded,
        answer=answer.name,
        temperature=answer.temperature,
        untempered_calibration_error=calibration_error(untempered, samples.labels),
        test=score(probs, samples.labels, samples.groups),
        clean=score(probs[is_clean], clean.labels, clean.groups),
        told=_told(probs, samples),
    )


def _told(probs: NDArray[np.float32], samples: Samples) -> Scores | None:
    """The scores where only the classes that the samples have can be answered."""
    present = np.isin(np.arange(CLASSES), samples.labels)
    if present.all():
        return None
    # A little for each class that is there: an int8 net may give all of them 0.
    among = np.where(present, probs + np.float32(1e-6), 0)
    return score(among / among.sum(axis=1, keepdims=True), samples.labels, samples.groups)


def front_end_of(model: Net) -> FrontEnd:
    """The front end that makes the model's features. Raises ``ModelError`` if this version has none."""
    try:
        return FRONT_ENDS[model.card.features]
    except KeyError as error:
        raise ModelError(
            f"model {model.card.id}: made for features {model.card.features!r}; here are {', '.join(FRONT_ENDS)}"
        ) from error


def probabilities(model: Net, front_end: FrontEnd, samples: Samples, answer: str = "") -> NDArray[np.float32]:
    """One answer of the model to heard samples as the appliance fuses it, calibrated, float32 (samples, 7).

    ``answer`` names it; the one that the appliance serves is taken where the model has none of that name.
    """
    number = answer_number(model.card, answer)
    return tempered(outputs(model, front_end, samples)[:, number], model.card.answers[number].temperature)


def outputs(model: Net, front_end: FrontEnd, samples: Samples) -> NDArray[np.float32]:
    """All of the model's own answers to heard samples, whatever their temperatures, float32 (samples, answers, 7)."""
    given = [model(front_end.served(signal))[0] for signal in track(samples.signals, "scoring", transient=True)]
    return np.stack(given).reshape(len(given), -1, CLASSES)


def answer_number(card: Card, name: str) -> int:
    """Which answer of the model has this name; the served one, 0, where none has."""
    names = [answer.name for answer in card.answers]
    return names.index(name) if name in names else 0
