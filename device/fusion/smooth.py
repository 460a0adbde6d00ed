"""An exponential moving average (EMA) of probabilities, and hysteresis for the label: stepped by timestamps."""

from __future__ import annotations

import math

import numpy as np

from device.fusion.rules import as_probabilities
from device.readings import UNCERTAIN, Probabilities, leader


class Smoother:
    """Exponential moving average (EMA) of probabilities, with time constant ``smooth_s``."""

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

    @property
    def last(self) -> Probabilities:
        """What the last step gave; there must have been one."""
        assert self._last is not None, "nothing was smoothed since the start or a reset"
        return self._last[1]

    def reset(self) -> None:
        """Forget the past: a new person, or none."""
        self._last = None


class LabelHysteresis:
    """Hysteresis of the label: it falls ``hold_s`` after it lost the lead, to what leads by then.

    What leads is the best emotion or, while that is below ``uncertain_below``, ``uncertain``. So no emotion is said
    for longer than ``hold_s`` with a probability below the threshold.
    """

    def __init__(self, *, hold_s: float, uncertain_below: float) -> None:
        self._hold_ns = hold_s * 1e9
        self._uncertain_below = uncertain_below
        self._label: str | None = None
        self._lost_ns: int | None = None  # since when it leads no more

    def step(self, now_ns: int, probs: Probabilities) -> str:
        """The label to say at ``now_ns``."""
        leading = leading_label(probs, self._uncertain_below)
        if self._lost_ns is None and leading != self._label:
            self._lost_ns = now_ns
        if self._label is None or leading == self._label or self.is_due(now_ns):
            self._label, self._lost_ns = leading, None
        return self._label

    def is_due(self, now_ns: int) -> bool:
        """Whether the label has been without the lead for so long that the next step lets it fall."""
        return self._lost_ns is not None and now_ns - self._lost_ns >= self._hold_ns

    def reset(self) -> None:
        """Forget the past: the next label is said at once."""
        self._label = self._lost_ns = None


def leading_label(probs: Probabilities, uncertain_below: float) -> str:
    """The best emotion or, while that is below ``uncertain_below``, ``uncertain``."""
    emotion, share = leader(probs)
    return str(emotion) if share >= uncertain_below else UNCERTAIN
