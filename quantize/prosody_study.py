"""What prosody is to count in a speech net: every way, scored on what was left out, and what is chosen without that.

A way that is chosen by a score makes that score too good. Here each unknown corpus is also scored with the way that the
others choose, in whose regressions it has no part either: that is nearer to what a voice of yet another corpus may
expect. It is not all: the nets that hear the spectra for those others were trained on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from device.errors import AffectdError
from device.models.card import read_card
from device.models.tflite import TfliteModel
from quantize.datasets.ravdess import TEST_FOLD
from quantize.datasets.voices import WHOLE, joined, without_fold
from quantize.evaluate import front_end_of
from quantize.hearing import heard
from quantize.inputs import FrontEnd
from quantize.measured import voice_nets
from quantize.metrics import Scores
from quantize.prosody_voices import RAVDESS, LeftOut, Voices, left_out, spectral_logits
from quantize.prosody_ways import Trial, Way, chosen, fits, strengths, way_of
from quantize.recipe import ProsodyFit
from quantize.recipes import find_recipe
from quantize.takes import prosodies


@dataclass(frozen=True, slots=True)
class Choice:
    """The best trial by the plain mean of ``chosen_by``, and what its way is worth on ``corpus``, told the classes."""

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


def study(model: Path, witnesses: Path, root: Path) -> ProsodyStudy:
    """Score all ways with the nets of a shipped speech model. Raises ``AffectdError``."""
    card = read_card(model.with_suffix(".json"))
    plan = find_recipe(card.id).prosody
    if plan is None:
        raise AffectdError(f"{card.id} does not hear prosody; choose affectd-1-speech")
    paths = voice_nets(model, witnesses)
    if not paths:
        raise AffectdError(
            f"{witnesses} lacks nets like {model.stem} without a fold of RAVDESS (-f0 and so on) or without a corpus "
            "(-without-tess and so on); name the folder with --witnesses, or train and convert them"
        )
    voices = _voices(root, front_end_of(TfliteModel(card, model.parent)))
    parts = [_part(name, path, voices, plan) for name, path in paths.items()]
    trials = tuple(trials_of(voices, parts, way_of(plan)))
    return ProsodyStudy(
        model=card.id,
        files={name: read_card(path.with_suffix(".json")).sha256 for name, path in paths.items()},
        samples=len(voices.samples),
        trials=trials,
        shipped=next(trial for trial in trials if trial.way == way_of(plan)),
        choices=tuple(each for corpus in WHOLE for each in choices(corpus, voices, parts, way_of(plan))),
    )


def choices(corpus: str, voices: Voices, parts: Sequence[LeftOut], own: Way) -> Iterator[Choice]:
    """What all others choose for a corpus, and what those choose that are as unknown, and what that is worth there.

    In no regression that they judge has the corpus a part.
    """
    scored = next(part for part in parts if part.corpus == corpus)
    judges = [part for part in parts if part.corpus != corpus]
    trials = list(trials_of(voices, judges, own, without=scored.is_left_out))
    names = tuple(dict.fromkeys(part.corpus for part in judges))
    for by in (names, tuple(name for name in names if name != RAVDESS)):
        best = chosen(trials, by)
        weights = voices.regression_without(scored.is_left_out, best.way.fit)
        yield Choice(corpus, by, best, scored.scores(voices, weights, best.way.strength))


def trials_of(
    voices: Voices, parts: Sequence[LeftOut], own: Way, without: NDArray[np.bool_] | None = None
) -> Iterator[Trial]:
    """All ways, ``own`` among them, on what each of the nets was not trained on; ``without`` is left out, too."""
    for fit in track(list(fits(own)), "trying ways", transient=True):
        found = [voices.regression_without(_either(part.is_left_out, without), fit) for part in parts]
        for strength in strengths(own):
            scores = [part.scores(voices, weights, strength) for part, weights in zip(parts, found, strict=True)]
            yield Trial(Way(fit, strength), _figures(parts, scores))


def _either(first: NDArray[np.bool_], second: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    return first if second is None else first | second


def _figures(parts: Sequence[LeftOut], scores: Sequence[Scores]) -> dict[str, float]:
    """A number for each corpus."""
    found: dict[str, list[float]] = {}
    for part, own in zip(parts, scores, strict=True):
        figure = own.accuracy if part.corpus == RAVDESS else own.uar
        found.setdefault(part.corpus, []).append(figure.value)
    return {corpus: float(np.mean(values)) for corpus, values in found.items()}


def _voices(root: Path, front_end: FrontEnd) -> Voices:
    split = without_fold(TEST_FOLD).split(root)
    samples = heard(front_end, joined([split.train, split.test]), "voices")
    return Voices(samples, prosodies(samples, split.noises))


def _part(name: str, path: Path, voices: Voices, plan: ProsodyFit) -> LeftOut:
    """What the net called ``f0``, ``tess`` and so on was not trained on, with its logits."""
    model = TfliteModel(read_card(path.with_suffix(".json")), path.parent)
    is_left_out, is_asked = left_out(name, voices.samples)
    constant = plan.strength * voices.regression_without(is_left_out, way_of(plan).fit)[-1]
    logits = spectral_logits(model, front_end_of(model), voices.samples.where(is_asked))
    return LeftOut(name if name in WHOLE else RAVDESS, is_left_out, is_asked, logits - constant)
