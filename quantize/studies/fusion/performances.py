"""Performances with the answers of a face net and of a speech net."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from device.arrays import BoolArray, DoubleArray
from device.readings import EMOTIONS
from quantize.datasets import DatasetError
from quantize.datasets.ravdess import CODES, FOLDS
from quantize.studies.fusion.apply import Powers, powers, raised_to_temperature, temperature
from quantize.studies.fusion.openface import PerformanceProbs

_FOLD_OF = {actor: number for number, actors in enumerate(FOLDS) for actor in actors}


@dataclass(frozen=True, eq=False, slots=True)
class Performances:
    """Sequences of one length n; ``labels``, ``actors`` and ``folds`` are numbers (n,), the answers are (n, 7)."""

    names: tuple[str, ...]
    labels: NDArray[np.int64]
    actors: NDArray[np.int64]
    folds: NDArray[np.int64]
    face: DoubleArray
    speech: DoubleArray

    @property
    def groups(self) -> list[str]:
        """The actors' names, which intervals draw."""
        return [f"Actor_{actor:02d}" for actor in self.actors]


@dataclass(frozen=True, slots=True)
class FoldFit:
    """What was fitted on all folds but this one."""

    fold: int
    face_temperature: float
    speech_temperature: float
    learned: Powers


def is_right(probs: DoubleArray, performances: Performances) -> BoolArray:
    """Of which performances the likeliest emotion is the one that was played (n,)."""
    return np.asarray(probs.argmax(axis=1) == performances.labels)


def paired_up(face: PerformanceProbs, speech: PerformanceProbs) -> Performances:
    """The performances of which both said something. Raises ``DatasetError`` if a fold has none."""
    names = tuple(sorted(face.keys() & speech.keys()))
    actors = np.array([int(name[-2:]) for name in names], dtype=np.int64)
    folds = np.array([_FOLD_OF[actor] for actor in actors.tolist()], dtype=np.int64)
    for fold in range(len(FOLDS)):
        if not np.any(folds == fold):
            raise DatasetError(f"fold F{fold}: not one performance was both seen and heard")
    return Performances(
        names=names,
        labels=np.array([EMOTIONS.index(CODES[name.split("-")[1]]) for name in names], dtype=np.int64),
        actors=actors,
        folds=folds,
        face=np.array([face[name] for name in names]),
        speech=np.array([speech[name] for name in names]),
    )


def calibrated_out_of_fold(performances: Performances) -> tuple[Performances, tuple[FoldFit, ...]]:
    """The performances with each fold's answers at temperatures fitted on all others, and these fits."""
    face, speech = np.zeros_like(performances.face), np.zeros_like(performances.speech)
    fits = []
    for fold in range(len(FOLDS)):
        inside = performances.folds == fold
        fit, calm_face, calm_speech = _without(performances, fold)
        face[inside], speech[inside] = calm_face[inside], calm_speech[inside]
        fits.append(fit)
    return replace(performances, face=face, speech=speech), tuple(fits)


def _without(performances: Performances, fold: int) -> tuple[FoldFit, DoubleArray, DoubleArray]:
    others = performances.folds != fold
    labels = performances.labels[others]
    face_t = temperature(performances.face[others], labels)
    speech_t = temperature(performances.speech[others], labels)
    face, speech = (
        raised_to_temperature(performances.face, face_t),
        raised_to_temperature(performances.speech, speech_t),
    )
    return FoldFit(fold, face_t, speech_t, powers(face[others], speech[others], labels)), face, speech
