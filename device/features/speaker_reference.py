"""Speaker reference: how a stream's voices sound on the whole, learnt as they speak.

What tells an emotion is how a voice differs from itself. So functionals are taken less a running mean of those heard
before, in this stream alone: it holds what the speaker and the room add to every window. It begins with the mean of
our corpora's neutral voices, and what is livelier than the reference itself moves it less, as a home is mostly neutral
and an hour of anger is not to become so.
"""

from __future__ import annotations

import math

import numpy as np

from device.arrays import DoubleArray
from device.features.functionals import FUNCTIONALS

NEUTRAL = np.array(
    [
        *(8.98, 3.19, -7.32, 0.417),
        *(0.881, 0.103, 0.774),
        *(2.99, 1.02, 3.41),
        *(0.862, 0.222, 1.49, 1.52, -0.164),
        *(0.502, -0.576, -0.003, -0.687, 0.439, 0.211),
    ]
)
"""Functionals of neutral voices: over RAVDESS, TESS, nEMO, EMOVO, TurEV-DB and Rakshak alike, as recorded, of the last
window of up to 600 segments of each."""
DEVIATIONS = np.array(
    [
        *(3.39, 2.8, 16.0, 0.196),
        *(0.041, 0.023, 0.117),
        *(0.659, 0.222, 0.701),
        *(0.074, 0.859, 0.335, 0.945, 0.125),
        *(0.589, 0.489, 0.389, 0.275, 0.047, 0.018),
    ]
)
"""Of functionals within a speaker, the mean over the same corpora: they bring them to one scale, no more."""

PRIOR_WINDOWS = 2.0
"""For so many windows counts the neutral voice at the beginning."""
MEMORY_WINDOWS = 1000.0
"""So many windows are remembered, a quarter of an hour of speech: with each further one older ones fade."""
SHARE_OF_HOP = 0.25
"""Of a window only the last hop, a quarter, is new."""
MIN_QUIETNESS = 0.1
REGISTER_BORDER_SEMITONES = 9.0
"""Above 100 Hz; that is 168 Hz: most women's and children's voices lie above, most men's below."""
RELATIVE_LIMIT = 4.0
"""Relative functionals are cut at ±4 deviations."""
_AROUSAL = tuple(
    FUNCTIONALS.index(name)
    for name in (
        "F0semitone_percentile50",
        "F0semitone_pctlrange20-80",
        "F0semitone_step",
        "spectralFlux",
        "mfcc1-4_step",
    )
)


class SpeakerReference:
    """The running means of one stream, of low voices and of high ones: no more than 42 numbers and two weights."""

    def __init__(self) -> None:
        self._registers = (_RunningMean(), _RunningMean())

    def relative(self, functionals: DoubleArray) -> DoubleArray:
        """Functionals (21,) less what was learnt before of voices as high, in deviations, cut at ±4.

        Raises ``ValueError`` if they are not 21 finite numbers.
        """
        _verify(functionals)
        return relative_to(self._of(functionals).mean, functionals)

    def learn(self, functionals: DoubleArray) -> None:
        """Take in a window's functionals (21,). Raises ``ValueError`` if they are not 21 finite numbers."""
        _verify(functionals)
        own = self._of(functionals)
        own.add(functionals, SHARE_OF_HOP * quietness(relative_to(own.mean, functionals)))

    def _of(self, functionals: DoubleArray) -> _RunningMean:
        return self._registers[is_high(functionals)]


class _RunningMean:
    """Of what came, and of the neutral voice; ``weight`` in windows."""

    def __init__(self) -> None:
        self.mean, self.weight = NEUTRAL, PRIOR_WINDOWS

    def add(self, functionals: DoubleArray, weight: float) -> None:
        self.weight = min(self.weight + weight, MEMORY_WINDOWS)
        self.mean = self.mean + (functionals - self.mean) * (weight / self.weight)


def relative_to(mean: DoubleArray, functionals: DoubleArray) -> DoubleArray:
    """Functionals less a mean, in deviations, cut at ±4, (21,)."""
    return np.asarray(np.clip((functionals - mean) / DEVIATIONS, -RELATIVE_LIMIT, RELATIVE_LIMIT))


def is_high(functionals: DoubleArray) -> bool:
    """Whether the voice's median pitch lies in the higher register."""
    return bool(functionals[0] > REGISTER_BORDER_SEMITONES)


def quietness(relative: DoubleArray) -> float:
    """How much a window counts, in ``MIN_QUIETNESS`` to 1: the less, the livelier it is beside the reference."""
    arousal = float(np.mean([relative[place] for place in _AROUSAL]))
    return max(MIN_QUIETNESS, math.exp(-max(0.0, arousal)))


def _verify(functionals: DoubleArray) -> None:
    if functionals.shape != (len(FUNCTIONALS),) or not np.isfinite(functionals).all():
        raise ValueError(f"a reference is made of {len(FUNCTIONALS)} finite functionals, not of {functionals}")
