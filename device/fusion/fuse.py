"""Fusion over time: the newest reading of each modality, while it is fresh, to one estimate."""

from __future__ import annotations

from collections.abc import Mapping

from device.fusion.circumplex import valence_arousal
from device.fusion.rules import RULES, Fused
from device.fusion.smooth import LabelHysteresis, Smoother
from device.readings import (
    EMOTIONS,
    NOBODY,
    UNCERTAIN,
    UNKNOWN,
    Emotion,
    Estimate,
    Modality,
    ModalityState,
    Probabilities,
    Reading,
)

TICK_NS = 1_000_000_000
"""With no reading at all an estimate is still due this often."""


class Fusion:
    """Steps readings to estimates. It reads no clock: time is what readings and ticks carry.

    ``fresh_s`` says, for each modality, how long a reading stands for the present; after that the other modality
    carries on alone, and without any the label is ``nobody``. While no sensor can be believed ``lose`` is called in
    place of ``tick``, and the label is ``unknown``; what was read before is forgotten.
    """

    def __init__(
        self, *, rule: str, fresh_s: Mapping[Modality, float], smooth_s: float, hold_s: float, uncertain_below: float
    ) -> None:
        self._rule_name, self._rule = rule, RULES[rule]
        self._fresh_ns = {modality: int(seconds * 1e9) for modality, seconds in fresh_s.items()}
        self._hold_s, self._uncertain_below = hold_s, uncertain_below
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
            return self._said(now_ns, present, self._rule(present), self._smoother.last)
        return None

    def lose(self, now_ns: int, reason: str) -> Estimate | None:
        """Be told that no sensor tells of the world. An estimate if that or the reason is new, or after a second."""
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
        return self._said(now_ns, present, fused, self._smoother.step(now_ns, fused.probs))

    def _said(self, now_ns: int, present: Mapping[Modality, Reading], fused: Fused, probs: Probabilities) -> Estimate:
        valence, arousal = valence_arousal(probs)
        label = self._label.step(now_ns, probs)
        return Estimate(
            captured_ns=now_ns,
            label=label,
            confidence=max(probs) if label == UNCERTAIN else probs[EMOTIONS.index(Emotion(label))],
            valence=valence,
            arousal=arousal,
            probs=probs,
            unsmoothed=fused.probs,
            modalities=self._states(now_ns, present, fused),
            rule=self._rule_name,
            uncertain_below=self._uncertain_below,
            hold_s=self._hold_s,
        )

    def _nothing(self, now_ns: int, label: str, reason: str | None = None) -> Estimate:
        self._smoother.reset()
        self._label.reset()
        return Estimate(
            captured_ns=now_ns,
            label=label,
            confidence=0.0,
            valence=0.0,
            arousal=0.0,
            probs=None,
            modalities=self._states(now_ns, {}, None),
            rule=self._rule_name,
            uncertain_below=self._uncertain_below,
            hold_s=self._hold_s,
            reason=reason,
        )

    def _states(
        self, now_ns: int, present: Mapping[Modality, Reading], fused: Fused | None
    ) -> dict[Modality, ModalityState]:
        return {
            modality: _state(now_ns, present.get(modality), fused.weights.get(modality, 0.0) if fused else 0.0)
            for modality in Modality
        }


def _state(now_ns: int, reading: Reading | None, weight: float) -> ModalityState:
    if reading is None:
        return ModalityState(present=False)
    age_ms = (now_ns - reading.captured_ns) / 1e6
    return ModalityState(present=True, age_ms=age_ms, quality=reading.quality, weight=weight, probs=reading.probs)
