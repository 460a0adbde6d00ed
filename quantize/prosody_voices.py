"""Voices as a speech net hears them: their prosody, and what the net makes of their spectra without it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from device.features.mel import FRAMES
from device.models.net import Net
from device.readings import EMOTIONS
from quantize.courses import sample_weights
from quantize.datasets import Samples
from quantize.datasets.ravdess import FOLDS
from quantize.datasets.voices import WHOLE, corpus_of
from quantize.evaluate import outputs
from quantize.inputs import FrontEnd
from quantize.logistic import Floats, softmax
from quantize.measured import FOUR
from quantize.metrics import CLASSES, Scores, score
from quantize.prosody_fit import regression
from quantize.prosody_ways import Fit

RAVDESS = "ravdess"
LEAST = 1 / 512
"""In place of a probability of 0, which in 8 bits is anything below this; a float net would tell how far below."""
_IS_SHARED = np.isin([str(emotion) for emotion in EMOTIONS], FOUR)


@dataclass(frozen=True, eq=False, slots=True)
class Voices:
    """Everybody who can be heard: their ``prosody`` is float32 (samples, takes, 40), the first take as recorded."""

    samples: Samples
    prosody: NDArray[np.float32]

    def regression_without(self, is_left_out: NDArray[np.bool_], fit: Fit) -> Floats:
        """What ``quantize.prosody_fit`` finds in the others: weights (40 and a constant, 7)."""
        others = self.samples.where(~is_left_out)
        weights = sample_weights(others, fit.shares)
        return regression(self.prosody[~is_left_out], others.labels, weights, fit.ridge)

    def logits(self, is_asked: NDArray[np.bool_], weights: Floats) -> Floats:
        """What a regression says of some, as they were recorded, (asked, 7)."""
        return np.asarray(self.prosody[is_asked, 0] @ weights[:-1] + weights[-1])


@dataclass(frozen=True, eq=False, slots=True)
class LeftOut:
    """Whom a net was not trained on, and whom of these it ``is_asked`` about; ``spectra`` are its logits for them."""

    corpus: str
    is_left_out: NDArray[np.bool_]
    is_asked: NDArray[np.bool_]
    spectra: Floats

    def scores(self, voices: Voices, weights: Floats, strength: float) -> Scores:
        """With prosody; where a corpus lacks classes of ours, the four that all have are told."""
        asked = voices.samples.where(self.is_asked)
        logits = self.spectra + strength * voices.logits(self.is_asked, weights)
        can_be = np.ones(CLASSES, dtype=bool) if self.corpus == RAVDESS else _IS_SHARED
        probs = softmax(np.where(can_be, logits, -np.inf)).astype(np.float32)
        return score(probs, asked.labels, asked.groups)


def left_out(net: str, samples: Samples) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which samples a net called ``f0`` to ``f4``, ``tess`` or ``nemo`` was trained without, and is asked about."""
    if net in WHOLE:
        is_left_out = np.array([corpus_of(name) == net for name in samples.names])
        return is_left_out, is_left_out & _IS_SHARED[samples.labels]
    actors = {f"{RAVDESS}/Actor_{actor:02d}" for actor in FOLDS[int(net[1:])]}
    is_left_out = np.array([group in actors for group in samples.groups])
    return is_left_out, is_left_out


def spectral_logits(net: Net, front_end: FrontEnd, samples: Samples) -> Floats:
    """A net's logits, (samples, 7) but for one number a row, when it hears an average prosody.

    What that answer then adds is its constant alone, which is still in them.
    """
    average = replace(front_end, served=lambda stretch: _with_average_prosody(front_end.served(stretch)))
    return np.log(np.maximum(outputs(net, average, samples)[:, 0].astype(np.float64), LEAST))


def _with_average_prosody(features: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([features[:FRAMES], np.zeros_like(features[FRAMES:])])
