"""Strength of prosody in a speech net: what it does to actors and corpora that were left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from device.arrays import BoolArray, DoubleArray, FloatArray
from device.errors import AffectdError
from device.features.mel import FRAMES
from device.models.card import read_card
from device.models.net import Net
from device.models.tflite import TfliteModel
from device.readings import EMOTIONS, MIN_PROBABILITY
from quantize.augment.copies import CopyLibrary
from quantize.datasets import Samples
from quantize.datasets.ravdess import FOLDS, TEST_FOLD
from quantize.datasets.voices import WHOLE, corpus_of, joined, without_fold
from quantize.evaluation.evaluate import front_end_of, open_model, outputs, preprocessed
from quantize.evaluation.metrics import score
from quantize.inputs.front_ends import CorpusFrontEnd
from quantize.recipes.registry import find_recipe
from quantize.studies.pooled import left_out_nets
from quantize.training.batches import sample_weights
from quantize.training.prosody_head import FitProsody, regression

_RAVDESS = "ravdess"
STRENGTHS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
_IS_SHARED = np.isin([str(emotion) for emotion in EMOTIONS], ("angry", "happy", "neutral", "sad"))


@dataclass(frozen=True, slots=True)
class AtStrength:
    """Scores in 0…1 by corpus: on ``ravdess`` the mean accuracy of five folds, else the UAR of four classes."""

    strength: float
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ProsodyStudy:
    """All strengths, of which the model's recipe has ``shipped``; ``files`` are the nets by sha256."""

    model: str
    files: Mapping[str, str]
    samples: int
    shipped: float
    strengths: tuple[AtStrength, ...]

    @property
    def made_of(self) -> Mapping[str, str]:
        """The nets."""
        return self.files


def study(path: Path, cross_validation: Path, root: Path) -> ProsodyStudy:
    """Score all strengths with the nets of a shipped speech model. Raises ``AffectdError``."""
    card = read_card(path.with_suffix(".json"))
    plan = next((step for step in find_recipe(card.id).finish if isinstance(step, FitProsody)), None)
    if plan is None:
        raise AffectdError(f"{card.id} does not hear prosody; choose affectd-1-speech")
    paths = left_out_nets(path, cross_validation)
    if not paths:
        raise AffectdError(
            f"{cross_validation} lacks nets like {path.stem} without a fold of RAVDESS (-f0 and so on) or without a "
            "corpus (-without-tess and so on); name the folder with --cross-validation, or train and convert them"
        )
    split = without_fold(TEST_FOLD).split(root)
    samples = preprocessed(TfliteModel(card, path.parent), joined([split.train, split.test]), "voices")
    rows = CopyLibrary().prosody_of(samples, split.noises)
    nets = {name: open_model(net) for name, net in paths.items()}
    by_net = {
        name: scores_of_net(name, partial(spectral_logits, net, front_end_of(net)), samples, rows, plan)
        for name, net in nets.items()
    }
    return ProsodyStudy(
        model=card.id,
        files={name: net.card.sha256 for name, net in nets.items()},
        samples=len(samples),
        shipped=plan.strength,
        strengths=tuple(_at(strength, by_net) for strength in _strengths(plan)),
    )


def _strengths(plan: FitProsody) -> list[float]:
    return sorted({*STRENGTHS, plan.strength})


def _at(strength: float, by_net: Mapping[str, Mapping[float, float]]) -> AtStrength:
    of_folds = [scores[strength] for name, scores in by_net.items() if name not in WHOLE]
    return AtStrength(
        strength, {_RAVDESS: float(np.mean(of_folds)), **{name: by_net[name][strength] for name in WHOLE}}
    )


def scores_of_net(
    name: str, spectra_of: Callable[[Samples], DoubleArray], samples: Samples, rows: FloatArray, plan: FitProsody
) -> dict[float, float]:
    """By strength, what the net called ``f0``, ``tess`` and so on scores where it was not trained.

    ``spectra_of`` gives its ``spectral_logits``. Where a corpus lacks classes of ours, the four that all have are told.
    """
    is_left_out, is_asked = left_out(name, samples)
    asked, weights = samples.where(is_asked), regression_without(is_left_out, samples, rows, plan)
    spectra = spectra_of(asked) - plan.strength * weights[-1]
    prosody = rows[is_asked, 0] @ weights[:-1] + weights[-1]
    can_be = _IS_SHARED if name in WHOLE else np.ones(len(EMOTIONS), dtype=bool)
    found = {}
    for strength in _strengths(plan):
        logits = np.where(can_be, spectra + strength * prosody, -np.inf)
        scores = score(softmax(logits, axis=1).astype(np.float32), asked.labels, asked.groups)
        found[strength] = (scores.uar if name in WHOLE else scores.accuracy).value
    return found


def regression_without(is_left_out: BoolArray, samples: Samples, rows: FloatArray, plan: FitProsody) -> DoubleArray:
    """``quantize.training.prosody_head`` on the others: weights (40 and a constant, 7)."""
    others = samples.where(~is_left_out)
    return regression(rows[~is_left_out], others.labels, sample_weights(others, plan.shares), plan.ridge)


def left_out(net: str, samples: Samples) -> tuple[BoolArray, BoolArray]:
    """Which samples a net called ``f0`` to ``f4``, ``tess`` or ``nemo`` was trained without, and is asked about."""
    if net in WHOLE:
        is_left_out = np.array([corpus_of(name) == net for name in samples.names])
        return is_left_out, is_left_out & _IS_SHARED[samples.labels]
    actors = {f"{_RAVDESS}/Actor_{actor:02d}" for actor in FOLDS[int(net[1:])]}
    is_left_out = np.array([group in actors for group in samples.groups])
    return is_left_out, is_left_out


def spectral_logits(net: Net, front_end: CorpusFrontEnd, samples: Samples) -> DoubleArray:
    """A net's logits at an average prosody, (samples, 7) but for one number a row; prosody's constant is in them."""

    def served(segment: NDArray[np.int16]) -> NDArray[np.float32]:
        features = front_end.served(segment)
        return np.concatenate([features[:FRAMES], np.zeros_like(features[FRAMES:])])

    answers = outputs(net, replace(front_end, served=served), samples)[:, 0].astype(np.float64)
    return np.asarray(np.log(np.maximum(answers, MIN_PROBABILITY)))
