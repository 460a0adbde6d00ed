"""Fusion rules against each other and against one modality alone, on performances both seen and heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from device.fusion.rules import RULES, Rule, log_linear
from quantize.fusion.apply import FULL_QUALITY, fused
from quantize.fusion.by_emotion import EmotionGain, gains, is_right
from quantize.fusion.forms import Form, tried
from quantize.fusion.learning import powers
from quantize.fusion.missing import Loss, losses
from quantize.fusion.openface import FloatArray
from quantize.fusion.performances import FoldFit, Performances, calibrated_out_of_fold
from quantize.fusion.repaired import Repaired, repaired
from quantize.metrics import Scores, score
from quantize.paired import Paired, compare

PROTOCOL = (
    "RAVDESS, each performance's film and sound, seven classes, five folds of actors. Every answer is by a net that "
    "never met the actor. Temperatures, and the powers of the rule `learned`, are fitted on the four other folds and "
    "scored on the fifth; those folds' nets met the scored actors in training, which two to 21 numbers cannot tell on. "
    "Posteriors have no quality of picture or sound, so both count in full and `weighted` is `average`."
)


@dataclass(frozen=True, slots=True)
class System:
    """One modality alone, or one rule, with its paired tests; a system is not tested against itself."""

    name: str
    scores: Scores
    against_better_single: Paired | None
    against_average: Paired | None


@dataclass(frozen=True, slots=True)
class SamePerformance:
    """All about one net that sees and one that hears.

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
    forms: tuple[Form, ...]
    fits: tuple[FoldFit, ...]
    learned: Mapping[str, float]
    by_emotion: tuple[EmotionGain, ...]
    repaired: Repaired
    losses: tuple[Loss, ...]


@dataclass(frozen=True, slots=True)
class Nets:
    """Who saw and who heard: names for people, and the sha256 of files if they are ours."""

    face: str
    speech: str
    speech_files: tuple[str, ...] = ()


def same_performance(raw: Performances, nets: Nets, *, left_out: int) -> SamePerformance:
    """Score every rule on performances with the nets' own answers, as yet at no temperature."""
    performances, fits = calibrated_out_of_fold(raw)
    rules = rules_by_performance(performances, fits)
    answers = answers_of(performances, rules)
    better = max(("face", "speech"), key=lambda name: float(np.mean(is_right(answers[name], performances))))
    return SamePerformance(
        face=nets.face,
        speech=nets.speech,
        speech_files=nets.speech_files,
        protocol=PROTOCOL,
        samples=len(performances.names),
        left_out=left_out,
        better_single=better,
        systems=tuple(_system(name, answers, performances, better) for name in answers),
        forms=tried(raw, fits),
        fits=fits,
        learned={
            str(m): power for m, power in powers(performances.face, performances.speech, performances.labels).items()
        },
        by_emotion=gains(answers, performances, better),
        repaired=repaired(performances, rules),
        losses=losses(performances, rules),
    )


def rules_by_performance(performances: Performances, fits: Sequence[FoldFit]) -> dict[str, list[Rule]]:
    """The appliance's rules by name, one for each performance: ``learned`` is of the folds it is not in."""
    learned = {fit.fold: log_linear(fit.learned) for fit in fits}
    return {
        name: [learned[fold] if name == "learned" else rule for fold in performances.folds.tolist()]
        for name, rule in RULES.items()
    }


def answers_of(performances: Performances, rules: Mapping[str, Sequence[Rule]]) -> dict[str, FloatArray]:
    """Every system's probabilities (n, 7): ``face``, ``speech``, and each rule by its name."""
    face, speech = performances.face, performances.speech
    ruled = {name: fused(each, face, speech, quality=FULL_QUALITY) for name, each in rules.items()}
    return {"face": face, "speech": speech, **ruled}


def _system(name: str, answers: Mapping[str, FloatArray], performances: Performances, better: str) -> System:
    def against(other: str) -> Paired | None:
        if other == name:
            return None
        first, second = is_right(answers[other], performances), is_right(answers[name], performances)
        return compare(first, second, performances.labels, performances.groups)

    scores = score(answers[name].astype(np.float32), performances.labels, performances.groups)
    return System(name, scores, against(better), against("average"))
