"""Our own nets' answers, from their files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.models.card import Served, read_card
from device.models.tflite import TfliteModel
from quantize.datasets import DatasetError, Samples, find_dataset
from quantize.datasets.ravdess import FOLDS, TEST_FOLD
from quantize.evaluate import front_end_of, probabilities
from quantize.fusion.openface import Answers, FloatArray, performance
from quantize.hearing import heard


@dataclass(frozen=True, eq=False, slots=True)
class Answered:
    """One file's answers (n, 7) to the samples of which the appliance says something."""

    model: str
    sha256: str
    served: Served
    names: tuple[str, ...]
    labels: NDArray[np.int64]
    probs: FloatArray


def answered(path: Path, samples: Samples) -> Answered:
    """Ask the file at ``path``, whose card stands beside it, for what the appliance serves.

    Raises ``ModelError`` and ``DatasetError``.
    """
    model = TfliteModel(read_card(path.with_suffix(".json")), path.parent)
    front_end = front_end_of(model)
    those = heard(front_end, samples, "test")
    probs = probabilities(model, front_end, those)
    card = model.card
    return Answered(card.id, card.sha256, card.served, tuple(those.names), those.labels, probs.astype(np.float64))


def fold_files(folder: Path, shipped: Path) -> list[Path]:
    """One speech file for each fold of RAVDESS that it never met: ``NAME-fK.tflite``, or the shipped file for its own.

    Raises ``DatasetError``.
    """
    files = []
    for fold in range(len(FOLDS)):
        found = [shipped] if fold == TEST_FOLD else sorted(folder.glob(f"{shipped.stem}-f{fold}.tflite"))
        if len(found) != 1:
            raise DatasetError(f"{folder}: {shipped.stem}-f{fold}.tflite is not there; one is needed for each fold")
        files += found
    return files


def voice_answers(files: list[Path], root: Path) -> tuple[Answers, tuple[str, ...]]:
    """Each fold's answers by its own file, by performance; and the files, each with the start of its sha256."""
    told: Answers = {}
    asked = []
    for fold, path in enumerate(files):
        test = find_dataset(f"ravdess-f{fold}", "speech").split(root).test
        said = answered(path, test)
        told.update({performance(name): probs for name, probs in zip(said.names, said.probs, strict=True)})
        asked.append(f"{said.model} {said.sha256}")
    return told, tuple(asked)
