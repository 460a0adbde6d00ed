"""What prosody is to count in a speech net: every way, scored on what was left out, and what is chosen without that.

A way that is chosen by a score makes that score too good. Here each unknown corpus is also scored with the way that the
others choose: that is what a voice of yet another corpus may expect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from device.errors import AffectdError
from device.features.mel import FRAMES
from device.models.card import read_card
from device.models.tflite import TfliteModel
from device.readings import EMOTIONS
from quantize.courses import sample_weights
from quantize.datasets import Samples
from quantize.datasets.ravdess import FOLDS, TEST_FOLD
from quantize.datasets.voices import WHOLE, corpus_of, joined, without_fold
from quantize.evaluate import front_end_of, outputs
from quantize.hearing import heard
from quantize.inputs import FrontEnd
from quantize.logistic import Floats, softmax
from quantize.measured import FOUR, voice_nets
from quantize.metrics import CLASSES, Scores, score
from quantize.prosody_fit import regression
from quantize.recipe import ProsodyFit
from quantize.recipes import find_recipe
from quantize.takes import prosodies

RAVDESS = "ravdess"
SHARES = (
    {"ravdess": 1 / 3, "tess": 1 / 3, "nemo": 1 / 3},
    {"ravdess": 0.2, "tess": 0.4, "nemo": 0.4},
    {"ravdess": 0.1, "tess": 0.45, "nemo": 0.45},
    {"ravdess": 0.1, "tess": 0.6, "nemo": 0.3},
)
RIDGES = (0.05, 0.1, 0.2, 0.4)
STRENGTHS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
_LEAST = 1 / 512
"""In place of a probability of 0, which in 8 bits is anything below this."""
_IS_SHARED = np.isin([str(emotion) for emotion in EMOTIONS], FOUR)


@dataclass(frozen=True, slots=True)
class Way:
    """The corpora's shares in the regression, its ridge, and how much its logits count beside those of the spectra."""

    shares: Mapping[str, float]
    ridge: float
    strength: float


@dataclass(frozen=True, slots=True)
class Trial:
    """A way and what it gives: on ``ravdess`` the mean accuracy of five folds, else the UAR of four classes."""

    way: Way
    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Choice:
    """The best trial by the mean of ``chosen_by``, and what it is worth on ``corpus``, told the four classes."""

    corpus: str
    chosen_by: tuple[str, ...]
    trial: Trial
    scores: Scores


@dataclass(frozen=True, slots=True)
class ProsodyStudy:
    """All trials. ``shipped`` is the one that the model's recipe has; ``files`` are the nets by sha256."""

    model: str
    files: Mapping[str, str]
    samples: int
    trials: tuple[Trial, ...]
    shipped: Trial
    choices: tuple[Choice, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Voices:
    """Everybody who can be heard: their ``prosody`` is float32 (samples, takes, 40), the first take as recorded."""

    samples: Samples
    prosody: NDArray[np.float32]

    def regression_without(self, is_left_out: NDArray[np.bool_], shares: Mapping[str, float], ridge: float) -> Floats:
        """What ``quantize.prosody_fit`` finds in the others: weights (40 and a constant, 7)."""
        others = self.samples.where(~is_left_out)
        return regression(self.prosody[~is_left_out], others.labels, sample_weights(others, shares), ridge)

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


def study(model: Path, witnesses: Path, root: Path) -> ProsodyStudy:
    """Score all ways with the nets of a shipped speech model. Raises ``AffectdError``."""
    paths, card = voice_nets(model, witnesses), read_card(model.with_suffix(".json"))
    if not paths:
        raise AffectdError(
            f"{witnesses} lacks nets like {model.stem} without a fold of RAVDESS (-f0 and so on) or without a corpus "
            "(-without-tess and so on); name the folder with --witnesses, or train and convert them"
        )
    plan = find_recipe(card.id).prosody
    if plan is None:
        raise AffectdError(f"{card.id} does not hear prosody; choose affectd-1-speech")
    voices = _voices(root, front_end_of(TfliteModel(card, model.parent)))
    parts = [_left_out(name, path, voices, plan) for name, path in paths.items()]
    trials = tuple(trials_of(voices, parts, plan))
    return ProsodyStudy(
        model=card.id,
        files={name: read_card(path.with_suffix(".json")).sha256 for name, path in paths.items()},
        samples=len(voices.samples),
        trials=trials,
        shipped=next(trial for trial in trials if trial.way == _way(plan)),
        choices=tuple(choice(corpus, by, trials, voices, parts) for corpus in WHOLE for by in _judges(corpus)),
    )


def chosen(trials: Sequence[Trial], by: Sequence[str]) -> Trial:
    """The trial with the best mean of these scores; of several the first."""
    return max(trials, key=lambda trial: float(np.mean([trial.scores[name] for name in by])))


def trials_of(voices: Voices, parts: Sequence[LeftOut], plan: ProsodyFit) -> Iterator[Trial]:
    """All ways, the plan's own one among them, on what each of the nets was not trained on."""
    shares = [*SHARES, *([] if plan.shares in SHARES else [plan.shares])]
    for own, ridge in track(list(product(shares, sorted({*RIDGES, plan.ridge}))), "trying ways", transient=True):
        found = [voices.regression_without(part.is_left_out, own, ridge) for part in parts]
        for strength in sorted({*STRENGTHS, plan.strength}):
            scores = [part.scores(voices, weights, strength) for part, weights in zip(parts, found, strict=True)]
            yield Trial(Way(own, ridge, strength), _figures(parts, scores))


def _figures(parts: Sequence[LeftOut], scores: Sequence[Scores]) -> dict[str, float]:
    """A number for each corpus."""
    found: dict[str, list[float]] = {}
    for part, own in zip(parts, scores, strict=True):
        figure = own.accuracy if part.corpus == RAVDESS else own.uar
        found.setdefault(part.corpus, []).append(figure.value)
    return {corpus: float(np.mean(values)) for corpus, values in found.items()}


def choice(
    corpus: str, by: tuple[str, ...], trials: Sequence[Trial], voices: Voices, parts: Sequence[LeftOut]
) -> Choice:
    """What others choose for a corpus, and what it is worth there."""
    best = chosen(trials, by)
    part = next(part for part in parts if part.corpus == corpus)
    weights = voices.regression_without(part.is_left_out, best.way.shares, best.way.ridge)
    return Choice(corpus, by, best, part.scores(voices, weights, best.way.strength))


def _judges(corpus: str) -> tuple[tuple[str, ...], ...]:
    """Who may choose for a corpus: all others, as for what ships, or those alone that no net has heard either."""
    unknown = tuple(name for name in WHOLE if name != corpus)
    return (RAVDESS, *unknown), unknown


def _way(plan: ProsodyFit) -> Way:
    return Way(plan.shares, plan.ridge, plan.strength)


def _voices(root: Path, front_end: FrontEnd) -> Voices:
    split = without_fold(TEST_FOLD).split(root)
    samples = heard(front_end, joined([split.train, split.test]), "voices")
    return Voices(samples, prosodies(samples, split.noises))


def _left_out(name: str, path: Path, voices: Voices, plan: ProsodyFit) -> LeftOut:
    model = TfliteModel(read_card(path.with_suffix(".json")), path.parent)
    samples, corpora = voices.samples, [corpus_of(name) for name in voices.samples.names]
    if name in WHOLE:
        is_left_out = np.array([corpus == name for corpus in corpora])
        is_asked = is_left_out & _IS_SHARED[samples.labels]
    else:
        actors = {f"{RAVDESS}/Actor_{actor:02d}" for actor in FOLDS[int(name[1:])]}
        is_asked = is_left_out = np.array([group in actors for group in samples.groups])
    weights = voices.regression_without(is_left_out, plan.shares, plan.ridge)
    spectra = _spectral(model, samples.where(is_asked)) - plan.strength * weights[-1]
    return LeftOut(name if name in WHOLE else RAVDESS, is_left_out, is_asked, spectra)


def _spectral(model: TfliteModel, samples: Samples) -> Floats:
    """Logits of a net that hears an average prosody, which leaves of that answer its constant; none is sure of all."""
    front_end = front_end_of(model)
    average = replace(front_end, served=lambda stretch: _with_average_prosody(front_end.served(stretch)))
    return np.log(np.maximum(outputs(model, average, samples)[:, 0].astype(np.float64), _LEAST))


def _with_average_prosody(features: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([features[:FRAMES], np.zeros_like(features[FRAMES:])])
