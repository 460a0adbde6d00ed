"""Temporal fusion: the newest reading of each modality, while it is fresh, to one estimate, smoothed and held."""

from __future__ import annotations

from collections.abc import Mapping

from device.fusion.fuse import LabelParameters
from device.fusion.rules import RULES, Fused
from device.fusion.smooth import LabelHysteresis, Smoother
from device.readings import NOBODY, UNKNOWN, Estimate, Modality, Probabilities, Reading

TICK_NS = 1_000_000_000
"""With no reading at all an estimate is still due this often."""


class TemporalFusion:
    """Temporal fusion, stepped. It reads no clock: time is what readings and ticks carry.

    ``fresh_s`` says, for each modality, how long a reading stands for the present; after that the other modality
    carries on alone, and without any the label is ``nobody``. While no sensor can be believed ``lose`` is called in
    place of ``tick``, and the label is ``unknown``; what was read before is forgotten.
    """

    def __init__(
        self, *, rule: str, fresh_s: Mapping[Modality, float], smooth_s: float, hold_s: float, uncertain_below: float
    ) -> None:
        self._choice, self._rule = LabelParameters(rule, uncertain_below, hold_s), RULES[rule]
        self._fresh_ns = {modality: int(seconds * 1e9) for modality, seconds in fresh_s.items()}
        self._smoother = Smoother(smooth_s)
        self._label = LabelHysteresis(hold_s=hold_s, uncertain_below=uncertain_below)
        self._newest: dict[Modality, Reading] = {}
        self._now_ns: int | None = None
        self._last_ns: int | None = None  # of the last estimate
        self._last_present: frozenset[Modality] = frozenset()
        self._lost: str | None = None  # why no sensor tells of the world

    def step(self, reading: Reading) -> Estimate:
        """Take a reading in. Its modality's older ones are superseded; a late one does not turn time back."""
        self._regain()
        known = self._newest.get(reading.modality)
        if known is None or known.captured_ns <= reading.captured_ns:
            self._newest[reading.modality] = reading
        return self._estimate(self._advance(reading.captured_ns))

    def tick(self, now_ns: int) -> Estimate | None:
        """An estimate if time alone changed something: a reading grew stale, a label fell, a second has passed.

        Nobody is said to be there only after a second in which nothing was read.
        """
        self._regain()
        now_ns = self._advance(now_ns)
        if self._last_ns is None:
            self._last_ns = now_ns
            return None
        present = self._present(now_ns)
        if frozenset(present) != self._last_present or now_ns - self._last_ns >= TICK_NS:
            return self._estimate(now_ns)
        if present and self._label.is_due(now_ns):  # nothing new was read: the probabilities stay as they were
            return self._decide(now_ns, present, self._rule(present), self._smoother.last)
        return None

    def lose(self, now_ns: int, reason: str) -> Estimate | None:
        """No sensor can be believed: an estimate if that or the reason is new, or after a second."""
        now_ns = self._advance(now_ns)
        if reason == self._lost and self._last_ns is not None and now_ns - self._last_ns < TICK_NS:
            return None
        self._lost, self._last_ns, self._last_present = reason, now_ns, frozenset()
        self._newest.clear()
        return self._nothing(now_ns, UNKNOWN, reason)

    def _regain(self) -> None:
        if self._lost is not None:
            self._lost = self._last_ns = None

    def _advance(self, now_ns: int) -> int:
        self._now_ns = now_ns if self._now_ns is None else max(self._now_ns, now_ns)
        return self._now_ns

    def _present(self, now_ns: int) -> dict[Modality, Reading]:
        return {
            modality: reading
            for modality, reading in self._newest.items()
            if now_ns - reading.captured_ns <= self._fresh_ns[modality]
        }

    def _estimate(self, now_ns: int) -> Estimate:
        present = self._present(now_ns)
        self._last_ns, self._last_present = now_ns, frozenset(present)
        if not present:
            return self._nothing(now_ns, NOBODY)
        fused = self._rule(present)
        return self._decide(now_ns, present, fused, self._smoother.step(now_ns, fused.probs))

    def _decide(self, now_ns: int, present: Mapping[Modality, Reading], fused: Fused, probs: Probabilities) -> Estimate:
        return self._choice.estimate(now_ns, present, fused, probs, self._label.step(now_ns, probs))

    def _nothing(self, now_ns: int, label: str, reason: str | None = None) -> Estimate:
        self._smoother.reset()
        self._label.reset()
        return self._choice.nothing(now_ns, label, reason)
