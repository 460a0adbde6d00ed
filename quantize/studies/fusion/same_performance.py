"""Fusion rules against each other and against one modality alone, on the same performance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.arrays import DoubleArray
from device.fusion.rules import RULES, Rule, log_linear
from quantize.evaluation.metrics import CLASSES, Scores, score
from quantize.evaluation.significance import Paired, compare
from quantize.studies.fusion.apply import fused_rows, powers
from quantize.studies.fusion.performances import FoldFit, Performances, calibrated_out_of_fold, is_right

_PROTOCOL = (
    "RAVDESS, each performance's film and sound, seven classes, five folds of actors. Every answer is by a net that "
    "never met the actor. Temperatures, and the powers of the rule `learned`, are fitted on the four other folds and "
    "scored on the fifth; those folds' nets met the scored actors in training, which two to 21 numbers cannot tell on. "
    "Posteriors have no quality of picture or sound, so both count in full and `weighted` is `average`."
)
_DRAWS = 20
_SEED = 31


@dataclass(frozen=True, slots=True)
class System:
    """One modality alone, or one rule, with its paired tests; a system is not tested against itself."""

    name: str
    scores: Scores
    against_better_single: Paired | None
    against_average: Paired | None


@dataclass(frozen=True, slots=True)
class RepairedRule:
    """One rule's accuracy in 0…1: truly paired, and the mean and standard deviation over random pairings."""

    rule: str
    true_pairs: float
    random_pairs: float
    random_pairs_sd: float


@dataclass(frozen=True, slots=True)
class Repaired:
    """The control: the same answers, each face with the voice of another performance of the same emotion.

    Who plays an emotion badly does so with face and voice, and the two nets err together. In a pairing at random they
    do not: what it gains beyond the true pairing is what a simulated protocol flatters by.
    """

    draws: int
    seed: int
    rules: tuple[RepairedRule, ...]


@dataclass(frozen=True, slots=True)
class SamePerformance:
    """All about one net that sees and one that hears, by ``speech_files`` if they are ours, each with its sha256.

    ``left_out`` performances got no answer from one of the two, and are in no figure. ``learned`` are the powers
    fitted on all folds at once.
    """

    face: str
    speech: str
    speech_files: tuple[str, ...]
    protocol: str
    samples: int
    left_out: int
    better_single: str
    systems: tuple[System, ...]
    learned: Mapping[str, float]
    repaired: Repaired

    @property
    def nets(self) -> tuple[str, ...]:
        """Who sees and who hears."""
        return (self.face, self.speech, *self.speech_files)


def same_performance(
    raw: Performances, *, face: str, speech: str, speech_files: tuple[str, ...], left_out: int
) -> SamePerformance:
    """Score every rule on performances with the nets' own answers, as yet at no temperature."""
    performances, fits = calibrated_out_of_fold(raw)
    rules = rules_by_performance(performances, fits)
    answers = answers_of(performances, rules)
    better = max(("face", "speech"), key=lambda name: float(np.mean(is_right(answers[name], performances))))
    learned = powers(performances.face, performances.speech, performances.labels)
    return SamePerformance(
        face=face,
        speech=speech,
        speech_files=speech_files,
        protocol=_PROTOCOL,
        samples=len(performances.names),
        left_out=left_out,
        better_single=better,
        systems=tuple(_system(name, answers, performances, better) for name in answers),
        learned={str(modality): power for modality, power in learned.items()},
        repaired=repaired(performances, rules),
    )


def rules_by_performance(performances: Performances, fits: Sequence[FoldFit]) -> dict[str, list[Rule]]:
    """The appliance's rules by name, one for each performance: ``learned`` is of the folds it is not in."""
    learned = {fit.fold: log_linear(fit.learned) for fit in fits}
    return {
        name: [learned[fold] if name == "learned" else rule for fold in performances.folds.tolist()]
        for name, rule in RULES.items()
    }


def answers_of(performances: Performances, rules: Mapping[str, Sequence[Rule]]) -> dict[str, DoubleArray]:
    """Every system's probabilities (n, 7): ``face``, ``speech``, and each rule by its name."""
    face, speech = performances.face, performances.speech
    return {"face": face, "speech": speech, **{name: fused_rows(each, face, speech) for name, each in rules.items()}}


def _system(name: str, answers: Mapping[str, DoubleArray], performances: Performances, better: str) -> System:
    def against(other: str) -> Paired | None:
        if other == name:
            return None
        first, second = is_right(answers[other], performances), is_right(answers[name], performances)
        return compare(first, second, performances.labels, performances.groups)

    scores = score(answers[name].astype(np.float32), performances.labels, performances.groups)
    return System(name, scores, against(better), against("average"))


def repaired(performances: Performances, rules: Mapping[str, Sequence[Rule]]) -> Repaired:
    """Pair anew, ``_DRAWS`` times, within each emotion and fold: a fold's temperatures stay its own."""
    rng = np.random.default_rng(_SEED)
    voices = [performances.speech[_shuffled(performances, rng)] for _ in range(_DRAWS)]

    def accuracy(each: Sequence[Rule], speech: DoubleArray) -> float:
        return float(np.mean(is_right(fused_rows(each, performances.face, speech), performances)))

    def control(name: str, each: Sequence[Rule]) -> RepairedRule:
        drawn = [accuracy(each, speech) for speech in voices]
        true = accuracy(each, performances.speech)
        return RepairedRule(name, true, float(np.mean(drawn)), float(np.std(drawn, ddof=1)))

    return Repaired(_DRAWS, _SEED, tuple(control(name, each) for name, each in rules.items()))


def _shuffled(performances: Performances, rng: np.random.Generator) -> NDArray[np.int64]:
    order = np.arange(len(performances.names))
    kinds = performances.folds * CLASSES + performances.labels
    for kind in np.unique(kinds):
        own = np.flatnonzero(kinds == kind)
        order[own] = rng.permutation(own)
    return order
