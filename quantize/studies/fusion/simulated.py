"""The published protocol: faces of one corpus and voices of another, paired at random by their emotion.

Whoever is in the picture never met whoever is heard, so the two nets err independently. People do not: see
``quantize.studies.fusion.same_performance`` for what that is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.arrays import DoubleArray
from device.fusion.rules import RULES
from device.models.card import Served
from device.readings import EMOTIONS
from quantize.datasets import DatasetError, Samples
from quantize.evaluation.evaluate import Version, front_end_of, open_model, predict_probabilities, preprocessed
from quantize.evaluation.metrics import CLASSES
from quantize.studies.fusion.apply import fused_rows

_DRAWS = 20
_SEED = 33
_PROTOCOL = (
    "Each voice of the speech test part with a random face, of the same emotion, of the face test part; drawn anew "
    "for each draw. Both models' files, what is served of them, rules as shipped, both qualities full."
)


@dataclass(frozen=True, eq=False, slots=True)
class Answered:
    """One file's answers (n, 7) to the samples of which the appliance says something."""

    model: str
    sha256: str
    served: Served
    names: tuple[str, ...]
    labels: NDArray[np.int64]
    probs: DoubleArray


def answered(path: Path, samples: Samples) -> Answered:
    """Ask the file at ``path``, whose card stands beside it, for what the appliance serves.

    Raises ``ModelError`` and ``DatasetError``.
    """
    model = open_model(path)
    those, card = preprocessed(model, samples, "test"), model.card
    probs = predict_probabilities(model, front_end_of(model), those)
    return Answered(card.id, card.sha256, card.served, tuple(those.names), those.labels, probs.astype(np.float64))


@dataclass(frozen=True, slots=True)
class SimulatedSystem:
    """One modality alone or one rule: means over the draws in 0…1, and the accuracy's standard deviation over them."""

    name: str
    accuracy: float
    accuracy_sd: float
    uar: float


@dataclass(frozen=True, slots=True)
class Simulated:
    """What the published protocol says of two models."""

    face: str
    face_sha256: str
    face_served: Served
    speech: str
    speech_sha256: str
    speech_served: Served
    protocol: str
    faces: int
    voices: int
    draws: int
    seed: int
    systems: tuple[SimulatedSystem, ...]

    @property
    def files(self) -> tuple[Version, Version]:
        """Both files, and what is served of them."""
        return Version(self.face_sha256, self.face_served), Version(self.speech_sha256, self.speech_served)


def simulated(face: Answered, speech: Answered) -> Simulated:
    """Pair ``_DRAWS`` times and score. Raises ``DatasetError`` if some voice's emotion has no face."""
    rng = np.random.default_rng(_SEED)
    drawn = [face.probs[_partners(face.labels, speech.labels, rng)] for _ in range(_DRAWS)]
    alone = {"face": drawn, "speech": [speech.probs] * _DRAWS}
    ruled = {
        name: [fused_rows([rule] * len(faces), faces, speech.probs) for faces in drawn] for name, rule in RULES.items()
    }
    return Simulated(
        face=face.model,
        face_sha256=face.sha256,
        face_served=face.served,
        speech=speech.model,
        speech_sha256=speech.sha256,
        speech_served=speech.served,
        protocol=_PROTOCOL,
        faces=len(face.labels),
        voices=len(speech.labels),
        draws=_DRAWS,
        seed=_SEED,
        systems=tuple(_system(name, probs, speech.labels) for name, probs in {**alone, **ruled}.items()),
    )


def _partners(faces: NDArray[np.int64], voices: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """For each voice the index of a face of its emotion."""
    chosen = np.zeros(len(voices), dtype=np.int64)
    for label in np.unique(voices):
        of_it = np.flatnonzero(faces == label)
        if not len(of_it):
            raise DatasetError(f"the face corpus has no picture of {EMOTIONS[label]}, which some voices have")
        chosen[voices == label] = rng.choice(of_it, int(np.sum(voices == label)))
    return chosen


def _system(name: str, draws: Sequence[DoubleArray], labels: NDArray[np.int64]) -> SimulatedSystem:
    right = np.array([probs.argmax(axis=1) == labels for probs in draws])
    recalls = [right[:, labels == label].mean() for label in range(CLASSES) if np.any(labels == label)]
    by_draw = right.mean(axis=1)
    return SimulatedSystem(name, float(by_draw.mean()), float(by_draw.std(ddof=1)), float(np.mean(recalls)))
