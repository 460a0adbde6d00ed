"""The control: the same answers, with each face paired with another performance's voice of the same emotion.

Who plays an emotion badly does so with face and voice, and the two nets err together. In a pairing at random they do
not: what it gains beyond the true pairing is what a simulated protocol flatters by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.fusion.rules import Rule
from quantize.fusion.apply import FULL_QUALITY, fused
from quantize.fusion.openface import FloatArray
from quantize.fusion.performances import Performances
from quantize.metrics import CLASSES

DRAWS = 20
SEED = 31


@dataclass(frozen=True, slots=True)
class RepairedRule:
    """One rule's accuracy in 0…1: truly paired, and the mean and standard deviation over random pairings."""

    rule: str
    true_pairs: float
    random_pairs: float
    random_pairs_sd: float


@dataclass(frozen=True, slots=True)
class Repaired:
    """Shares in 0…1 of performances that both modalities got wrong, and what each rule makes of both pairings."""

    draws: int
    seed: int
    both_wrong: float
    both_wrong_in_random_pairs: float
    rules: tuple[RepairedRule, ...]


def repaired(performances: Performances, rules: Mapping[str, Sequence[Rule]]) -> Repaired:
    """Pair anew, ``DRAWS`` times, within each emotion and fold: a fold's temperatures stay its own."""
    rng = np.random.default_rng(SEED)
    voices = [performances.speech[_shuffled(performances, rng)] for _ in range(DRAWS)]
    return Repaired(
        draws=DRAWS,
        seed=SEED,
        both_wrong=_both_wrong(performances, performances.speech),
        both_wrong_in_random_pairs=float(np.mean([_both_wrong(performances, speech) for speech in voices])),
        rules=tuple(_rule(name, each, performances, voices) for name, each in rules.items()),
    )


def _shuffled(performances: Performances, rng: np.random.Generator) -> NDArray[np.int64]:
    order = np.arange(len(performances.names))
    kinds = performances.folds * CLASSES + performances.labels
    for kind in np.unique(kinds):
        own = np.flatnonzero(kinds == kind)
        order[own] = rng.permutation(own)
    return order


def _both_wrong(performances: Performances, speech: FloatArray) -> float:
    wrong = [probs.argmax(axis=1) != performances.labels for probs in (performances.face, speech)]
    return float(np.mean(wrong[0] & wrong[1]))


def _rule(name: str, rules: Sequence[Rule], performances: Performances, voices: Sequence[FloatArray]) -> RepairedRule:
    def accuracy(speech: FloatArray) -> float:
        probs = fused(rules, performances.face, speech, quality=FULL_QUALITY)
        return float(np.mean(probs.argmax(axis=1) == performances.labels))

    drawn = [accuracy(speech) for speech in voices]
    return RepairedRule(name, accuracy(performances.speech), float(np.mean(drawn)), float(np.std(drawn, ddof=1)))
