"""Scores a model file as the appliance runs it: its card, its interpreter, its features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from device.errors import ModelError
from device.models.card import read_card
from device.models.tflite import TfliteModel
from quantize.datasets import Samples, Split
from quantize.hearing import heard
from quantize.inputs import FRONT_ENDS, FrontEnd
from quantize.metrics import Scores, score


@dataclass(frozen=True, slots=True)
class Report:
    """What one file scores on one corpus. ``without_reading`` counts test samples of which the appliance says nothing.

    ``test`` is the whole test part but those, ``clean`` the same without what the corpus leaks from its training part.
    """

    model: str
    sha256: str
    dataset: str
    without_reading: int
    test: Scores
    clean: Scores


def evaluate(model_path: Path, dataset: str, split: Split) -> Report:
    """Score the file at ``model_path``, whose card stands beside it, on the test part. Raises ``ModelError``."""
    model = TfliteModel(read_card(model_path.with_suffix(".json")), model_path.parent)
    front_end = front_end_of(model)
    samples = heard(front_end, split.test, "test")
    probs = probabilities(model, front_end, samples)
    clean_names = set(split.clean.names)
    is_clean = np.array([name in clean_names for name in samples.names])
    clean = samples.where(is_clean)
    return Report(
        model=model.card.id,
        sha256=model.card.sha256,
        dataset=dataset,
        without_reading=len(split.test) - len(samples),
        test=score(probs, samples.labels, samples.groups),
        clean=score(probs[is_clean], clean.labels, clean.groups),
    )


def front_end_of(model: TfliteModel) -> FrontEnd:
    """The front end that makes the model's features. Raises ``ModelError`` if this version has none."""
    try:
        return FRONT_ENDS[model.card.features]
    except KeyError as error:
        raise ModelError(
            f"model {model.card.id}: made for features {model.card.features!r}; here are {', '.join(FRONT_ENDS)}"
        ) from error


def probabilities(model: TfliteModel, front_end: FrontEnd, samples: Samples) -> NDArray[np.float32]:
    """The model's answers to heard samples, float32 (samples, 7)."""
    answers = [model(front_end.served(signal))[0] for signal in track(samples.signals, "scoring", transient=True)]
    return np.stack(answers)
