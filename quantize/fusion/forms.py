"""What a log-linear fusion could learn, scored out of fold: the evidence for the form that ships."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantize.fusion.learning import FORMS, a_power_each, fit, softmax, tempered
from quantize.fusion.openface import FloatArray
from quantize.fusion.performances import FoldFit, Performances
from quantize.metrics import CLASSES


@dataclass(frozen=True, slots=True)
class Form:
    """What a log-linear fusion could have learned, out of fold; ``log_loss`` in nats, ``accuracy`` in 0…1."""

    name: str
    parameters: int
    log_loss: float
    accuracy: float


def tried(raw: Performances, fits: Sequence[FoldFit]) -> tuple[Form, ...]:
    """What was tried for ``learned``, and the product over the classes' frequencies in the other folds."""
    told = {name: np.zeros_like(raw.face) for name in ("product", "product over the prior", *FORMS)}
    for each in fits:
        inside = raw.folds == each.fold
        # The other folds at this fold's temperatures: what its weights are fitted on.
        face, speech = tempered(raw.face, each.face_temperature), tempered(raw.speech, each.speech_temperature)
        labels = raw.labels[~inside]
        prior = np.log(np.bincount(labels, minlength=CLASSES) / len(labels))
        both = a_power_each(face[inside], speech[inside]).sum(axis=2)
        told["product"][inside] = softmax(both)
        told["product over the prior"][inside] = softmax(both - prior)
        for name, evidence in FORMS.items():
            weights = fit(evidence(face[~inside], speech[~inside]), labels)
            told[name][inside] = softmax(evidence(face[inside], speech[inside]) @ weights)
    parameters = {name: evidence(raw.face, raw.speech).shape[2] for name, evidence in FORMS.items()}
    return tuple(_form(name, parameters.get(name, 0), probs, raw.labels) for name, probs in told.items())


def _form(name: str, parameters: int, probs: FloatArray, labels: NDArray[np.int64]) -> Form:
    told = probs[np.arange(len(labels)), labels]
    right = probs.argmax(axis=1) == labels
    return Form(name, parameters, log_loss=-float(np.log(told).mean()), accuracy=float(right.mean()))
