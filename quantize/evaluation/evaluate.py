"""Evaluation of a model file as the appliance runs it: its card, its interpreter, its features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from device.errors import ModelError
from device.models.card import Card, Served, read_card
from device.models.net import Net
from device.models.tflite import TfliteModel
from device.readings import Emotion
from quantize.datasets import Dataset, DatasetError, Samples, Split, find_dataset, of_emotions
from quantize.datasets.folder import FOLDER, folder_dataset
from quantize.datasets.own_folder import SPLIT_FILE, read_own
from quantize.evaluation.metrics import (
    CLASSES,
    Scores,
    calibration_error,
    heads_in_words,
    pooled_of,
    score,
    served_of,
    temperature_scaled_rows,
)
from quantize.inputs.front_ends import FRONT_ENDS, CorpusFrontEnd
from quantize.inputs.preprocess import preprocess


@dataclass(frozen=True, slots=True)
class Version:
    """A model file, and what is served of its answers, which early figures do not tell: what figures are of."""

    sha256: str
    served: Served | None


def version_of(card: Card) -> Version:
    """Of the file that the card describes."""
    return Version(card.sha256, card.served)


@dataclass(frozen=True, slots=True)
class Report:
    """What one file scores on one corpus, and what the figures leave out.

    ``protocol`` says how the test part was made and ``remarks`` what this copy of the corpus lacks. ``unreadable``
    names the samples that do not decode; ``without_reading`` counts those of which the appliance says nothing.
    ``test`` is the whole test part but those, ``clean`` the same without what the corpus leaks from its training
    part. ``told``, where the corpus has not all classes, is ``test`` with the model told which ones there are: its
    probabilities for the others are set to 0.

    What is scored is what the appliance serves, ``served``; ``answer`` says it in words.
    ``untempered_calibration_error`` is what ``test`` would have at temperature 1. No other figure depends on that.
    """

    model: str
    sha256: str
    dataset: str
    protocol: str
    remarks: tuple[str, ...]
    unreadable: tuple[str, ...]
    without_reading: int
    served: Served
    answer: str
    untempered_calibration_error: float
    test: Scores
    clean: Scores
    told: Scores | None

    @property
    def made_of(self) -> tuple[Version, ...]:
        """The file."""
        return (Version(self.sha256, self.served),)


def open_model(path: Path) -> TfliteModel:
    """The model file at ``path``, whose card stands beside it. Raises ``ModelError``."""
    return TfliteModel(read_card(path.with_suffix(".json")), path.parent)


def kind_of(model_path: Path) -> str:
    """What the card beside a model file says it reads. Raises ``ModelError``, also if one of the two is not there."""
    card = model_path.with_suffix(".json")
    if not model_path.exists():
        raise ModelError(f"{model_path}: there is no such model file; name a .tflite file that is there")
    if not card.exists():
        raise ModelError(
            f"{card}: the card of {model_path.name} has to stand beside it; `python -m quantize convert` makes both"
        )
    return read_card(card).kind


def dataset_for(name: str, *models: Path, labels: Mapping[str, str] | None = None) -> Dataset:
    """The corpus of this name for model files of one kind; ``labels`` are a folder's own words for emotions.

    Of a folder that a net was trained on, it is the split beside its file: so that it is not asked what it learnt.
    Raises ``DatasetError``, and ``ModelError`` where a net's split is not there or another one's differs.
    """
    kinds = [kind_of(model) for model in models]
    if name != FOLDER:
        return find_dataset(name, kinds[0])
    trained = [model for model in models if read_card(model.with_suffix(".json")).about.get("training_data") == FOLDER]
    if not trained:
        return folder_dataset(kinds[0], labels)
    if missing := [model for model in trained if not (model.parent / SPLIT_FILE).exists()]:
        raise ModelError(
            f"{missing[0]}: was trained on a folder, and {SPLIT_FILE} of its training is not beside it, which says on "
            "what; name the file that `convert` left in the run"
        )
    own = read_own(trained[0].parent)
    if own is None or len({(model.parent / SPLIT_FILE).read_bytes() for model in trained}) > 1:
        raise ModelError(f"{trained[0]} and {trained[-1]}: were not trained on one split; evaluate each by itself")
    return replace(own, labels={**own.labels, **(labels or {})}).dataset(trained[0].parent)


def evaluate_corpus(
    model_path: Path, corpus: str, classes: Sequence[Emotion], root: Path, labels: Mapping[str, str] | None = None
) -> Report:
    """``evaluate`` on the corpus of this name under ``root``; of its ``classes`` alone if there are some."""
    dataset = dataset_for(corpus, model_path, labels=labels)
    split = dataset.split(root)
    if classes:
        split = replace(split, test=of_emotions(split.test, classes))
    return evaluate(model_path, dataset, split)


def evaluate(model_path: Path, dataset: Dataset, split: Split) -> Report:
    """Score the file at ``model_path``, whose card stands beside it, on the test part of a split of the corpus.

    Raises ``ModelError``, and ``DatasetError`` if nothing of the corpus can be scored.
    """
    model = open_model(model_path)
    front_end = front_end_of(model)
    samples = preprocessed(model, split.test, "test")
    if not len(samples):
        raise DatasetError(f"{dataset.name}: of {len(split.test)} test samples the appliance says nothing about any")
    served = model.card.served
    untempered = pooled_of(served, outputs(model, front_end, samples))
    probs = temperature_scaled_rows(untempered, served.temperature)
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
        served=served,
        answer=served_in_words(model.card),
        untempered_calibration_error=calibration_error(untempered, samples.labels),
        test=score(probs, samples.labels, samples.groups),
        clean=score(probs[is_clean], clean.labels, clean.groups),
        told=_among_present_classes(probs, samples),
    )


def _among_present_classes(probs: NDArray[np.float32], samples: Samples) -> Scores | None:
    """The scores where only the classes that the samples have can be answered."""
    present = np.isin(np.arange(CLASSES), samples.labels)
    if present.all():
        return None
    # A little for each class that is there: an int8 net may give all of them 0.
    among = np.where(present, probs + np.float32(1e-6), 0)
    return score(among / among.sum(axis=1, keepdims=True), samples.labels, samples.groups)


def front_end_of(model: Net) -> CorpusFrontEnd:
    """The front end that makes the model's features. Raises ``ModelError`` if this version has none."""
    try:
        return FRONT_ENDS[model.card.features]
    except KeyError as error:
        raise ModelError(
            f"model {model.card.id}: made for features {model.card.features!r}; here are {', '.join(FRONT_ENDS)}"
        ) from error


def preprocessed(model: Net, samples: Samples, what: str) -> Samples:
    """The samples that the appliance would read with the model, as its features are made from them."""
    return preprocess(front_end_of(model), samples, what)


def predict_probabilities(model: Net, front_end: CorpusFrontEnd, samples: Samples) -> NDArray[np.float32]:
    """What the appliance serves of preprocessed samples, and fuses: float32 (samples, 7)."""
    return served_of(model.card.served, outputs(model, front_end, samples))


def outputs(model: Net, front_end: CorpusFrontEnd, samples: Samples) -> NDArray[np.float32]:
    """All answers of the model to preprocessed samples, at no temperature, float32 (samples, answers, 7)."""
    given = [model(values)[0] for values in track(front_end.inputs(samples), "scoring", transient=True)]
    return np.stack(given).reshape(len(given), -1, CLASSES)


def served_in_words(card: Card) -> str:
    """Which of the model's answers are served, and how."""
    return heads_in_words(card.served, tuple(answer.name for answer in card.answers))
