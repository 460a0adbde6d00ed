"""Calm over time: probabilities that glide, and a label that does not flicker. Stepped by timestamps, not timed."""

from __future__ import annotations

import math

import numpy as np

from device.fusion.rules import as_probabilities
from device.readings import EMOTIONS, UNCERTAIN, Probabilities


class Smoother:
    """Exponential smoothing of probabilities, with time constant ``smooth_s``."""

    def __init__(self, smooth_s: float) -> None:
        self._smooth_ns = smooth_s * 1e9
        self._last: tuple[int, Probabilities] | None = None

    def step(self, now_ns: int, probs: Probabilities) -> Probabilities:
        """The smoothed probabilities after ``probs`` was seen at ``now_ns``."""
        if self._last is not None and self._smooth_ns > 0:
            last_ns, last = self._last
            keep = math.exp(-(now_ns - last_ns) / self._smooth_ns)
            probs = as_probabilities(keep * np.asarray(last) + (1 - keep) * np.asarray(probs))
        self._last = now_ns, probs
        return probs

    def reset(self) -> None:
        """Forget the past: a new person, or none."""
        self._last = None


class SteadyLabel:
    """The label with hysteresis: another one takes over once it has led without a break for ``hold_s``.

    Below ``uncertain_below`` the best emotion is not said; the label is ``uncertain``.
    """

    def __init__(self, *, hold_s: float, uncertain_below: float) -> None:
        self._hold_ns = hold_s * 1e9
        self._uncertain_below = uncertain_below
        self._label: str | None = None
        self._challenger: tuple[str, int] | None = None  # a label and since when it leads

    def step(self, now_ns: int, probs: Probabilities) -> str:
        """The label to say at ``now_ns``."""
        leader = self._leader(probs)
        if self._label is None or leader == self._label:
            self._label, self._challenger = leader, None
            return leader
        if self._challenger is None or self._challenger[0] != leader:
            self._challenger = leader, now_ns
        if now_ns - self._challenger[1] >= self._hold_ns:
            self._label, self._challenger = leader, None
        return self._label

    def reset(self) -> None:
        """Forget the past: the next label is said at once."""
        self._label = self._challenger = None

    def _leader(self, probs: Probabilities) -> str:
        best = max(range(len(EMOTIONS)), key=probs.__getitem__)
        return str(EMOTIONS[best]) if probs[best] >= self._uncertain_below else UNCERTAIN
