"""Ways to count prosody in a speech net, and which of them some scores choose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from quantize.recipe import ProsodyFit

SHARES = (
    {"ravdess": 1 / 3, "tess": 1 / 3, "nemo": 1 / 3},
    {"ravdess": 0.2, "tess": 0.4, "nemo": 0.4},
    {"ravdess": 0.1, "tess": 0.45, "nemo": 0.45},
    {"ravdess": 0.1, "tess": 0.6, "nemo": 0.3},
)
RIDGES = (0.05, 0.1, 0.2, 0.4)
STRENGTHS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)


@dataclass(frozen=True, slots=True)
class Fit:
    """The corpora's shares in the regression, of which those that are left out are dropped, and its ridge."""

    shares: Mapping[str, float]
    ridge: float


@dataclass(frozen=True, slots=True)
class Way:
    """A fit, and how much its logits count beside those of the spectra."""

    fit: Fit
    strength: float


@dataclass(frozen=True, slots=True)
class Trial:
    """A way and what it gives: on ``ravdess`` the mean accuracy of five folds, else the UAR of four classes."""

    way: Way
    scores: Mapping[str, float]


def way_of(plan: ProsodyFit) -> Way:
    """The one that a recipe has."""
    return Way(Fit(plan.shares, plan.ridge), plan.strength)


def fits(own: Way) -> Iterator[Fit]:
    """All of the grid, and ``own``."""
    shares = [*SHARES, *([] if own.fit.shares in SHARES else [own.fit.shares])]
    return (Fit(*each) for each in product(shares, sorted({*RIDGES, own.fit.ridge})))


def strengths(own: Way) -> list[float]:
    """All of the grid, and that of ``own``."""
    return sorted({*STRENGTHS, own.strength})


def chosen(trials: Sequence[Trial], by: Sequence[str]) -> Trial:
    """The trial with the best plain mean of these scores; of several the first."""
    return max(trials, key=lambda trial: float(np.mean([trial.scores[name] for name in by])))
