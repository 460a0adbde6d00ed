"""What is left when one modality is missing, says nothing, or is wrong: paired drops of each rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.fusion.rules import Rule
from device.readings import Modality
from quantize.fusion.apply import fused
from quantize.fusion.learning import logs, softmax
from quantize.fusion.openface import FloatArray
from quantize.fusion.performances import Performances
from quantize.metrics import CLASSES
from quantize.paired import Bools, Interval, compare

SEED = 32
POOR = 0.25
"""The quality told of a bad answer: a quarter of the other one's."""

ABSENT = "absent"
UNIFORM = "present, says nothing (1/7 each)"
STRANGER = "another person's"
STRANGER_POOR = "another person's, of a quarter of the quality"
NOISE = "with noise as strong as what it says"


@dataclass(frozen=True, slots=True)
class Loss:
    """One rule with one modality spoilt. Accuracies in 0…1; ``change`` is against the same rule with both intact."""

    modality: str
    condition: str
    rule: str
    other_alone: float
    accuracy: float
    change: Interval
    mcnemar_p: float
    t_p: float | None
    wilcoxon_p: float | None


@dataclass(frozen=True, eq=False, slots=True)
class Spoilt:
    """Both modalities' answers (n, 7) and the quality told of them; a modality without one is absent."""

    face: FloatArray
    speech: FloatArray
    quality: dict[Modality, float]


def losses(performances: Performances, rules: Mapping[str, Sequence[Rule]]) -> tuple[Loss, ...]:
    """Every rule under every condition, for each modality."""
    both = Spoilt(performances.face, performances.speech, dict.fromkeys(Modality, 1.0))
    intact = {name: _right(each, both, performances.labels) for name, each in rules.items()}
    return tuple(
        _loss(performances, lost, condition, name, (intact[name], _right(each, spoilt, performances.labels)))
        for lost in Modality
        for condition, spoilt in conditions(performances, lost)
        for name, each in rules.items()
    )


def conditions(performances: Performances, lost: Modality) -> Iterator[tuple[str, Spoilt]]:
    """The ways in which a modality is spoilt, each by its name; what is drawn is drawn with ``SEED``."""
    own = {Modality.FACE: performances.face, Modality.SPEECH: performances.speech}
    other = next(modality for modality in Modality if modality is not lost)
    rng = np.random.default_rng(SEED)
    stranger, noisy = own[lost][_strangers(performances, rng)], _noisy(own[lost], rng)
    uniform = np.full_like(own[lost], 1 / CLASSES)

    def spoilt(answers: FloatArray, quality: float = 1.0) -> Spoilt:
        said = {**own, lost: answers}
        return Spoilt(said[Modality.FACE], said[Modality.SPEECH], {lost: quality, other: 1.0})

    yield ABSENT, Spoilt(performances.face, performances.speech, {other: 1.0})
    yield UNIFORM, spoilt(uniform)
    yield NOISE, spoilt(noisy)
    yield STRANGER, spoilt(stranger)
    yield STRANGER_POOR, spoilt(stranger, POOR)


def _strangers(performances: Performances, rng: np.random.Generator) -> NDArray[np.int64]:
    """For each performance one by another actor of its fold, of whatever emotion."""
    chosen = np.zeros(len(performances.names), dtype=np.int64)
    for actor in np.unique(performances.actors):
        own = performances.actors == actor
        fold = performances.folds[own][0]
        chosen[own] = rng.choice(np.flatnonzero((performances.folds == fold) & ~own), int(own.sum()))
    return chosen


def _noisy(probs: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Answers whose logits have as much noise as signal: 0 dB, where the mean over the classes is no signal."""
    logits = logs(probs)
    signal = (logits - logits.mean(axis=1, keepdims=True)).std()
    return softmax(logits + rng.normal(0.0, signal, logits.shape))


def _loss(performances: Performances, lost: Modality, condition: str, rule: str, right: tuple[Bools, Bools]) -> Loss:
    other = performances.speech if lost is Modality.FACE else performances.face
    paired = compare(*right, performances.labels, performances.groups)
    return Loss(
        modality=str(lost),
        condition=condition,
        rule=rule,
        other_alone=float(np.mean(other.argmax(axis=1) == performances.labels)),
        accuracy=paired.second_accuracy,
        change=paired.accuracy_difference,
        mcnemar_p=paired.mcnemar_p,
        t_p=paired.t_p,
        wilcoxon_p=paired.wilcoxon_p,
    )


def _right(rules: Sequence[Rule], said: Spoilt, labels: NDArray[np.int64]) -> Bools:
    probs = fused(rules, said.face, said.speech, quality=said.quality)
    return np.asarray(probs.argmax(axis=1) == labels)
