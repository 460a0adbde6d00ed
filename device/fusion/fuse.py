"""Decision-level fusion of readings that belong together, to one estimate. Nothing is smoothed or held: it is pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from device.fusion.circumplex import valence_arousal
from device.fusion.rules import RULES, Fused
from device.fusion.smooth import leading_label
from device.readings import (
    EMOTIONS,
    NOBODY,
    UNCERTAIN,
    Emotion,
    Estimate,
    Modality,
    ModalityState,
    Probabilities,
    Reading,
)


def fuse(readings: Mapping[Modality, Reading], rule: str, *, uncertain_below: float) -> Estimate:
    """One estimate of readings, at most one a modality, whatever time each was taken at; ``nobody`` without any.

    ``rule`` is one of ``device.readings.RULE_NAMES``; the best emotion below ``uncertain_below`` is ``uncertain``.
    """
    choice = LabelParameters(rule, uncertain_below, hold_s=0.0)
    if not readings:
        return choice.nothing(0, NOBODY)
    fused = RULES[rule](readings)
    now_ns = max(reading.captured_ns for reading in readings.values())
    return choice.estimate(now_ns, readings, fused, fused.probs, leading_label(fused.probs, uncertain_below))


@dataclass(frozen=True, slots=True)
class LabelParameters:
    """Parameters that a label is chosen by, and the estimates that carry them."""

    rule: str
    uncertain_below: float
    hold_s: float

    def estimate(
        self, now_ns: int, present: Mapping[Modality, Reading], fused: Fused, probs: Probabilities, label: str
    ) -> Estimate:
        """The label at ``now_ns`` with ``probs``, which are those of ``fused`` or these smoothed."""
        valence, arousal = valence_arousal(probs)
        return Estimate(
            captured_ns=now_ns,
            label=label,
            confidence=max(probs) if label == UNCERTAIN else probs[EMOTIONS.index(Emotion(label))],
            valence=valence,
            arousal=arousal,
            probs=probs,
            unsmoothed=fused.probs,
            modalities={m: _state(now_ns, present.get(m), fused.weights.get(m, 0.0)) for m in Modality},
            rule=self.rule,
            uncertain_below=self.uncertain_below,
            hold_s=self.hold_s,
        )

    def nothing(self, now_ns: int, label: str, reason: str | None = None) -> Estimate:
        """``nobody``, or ``unknown`` with its reason: an estimate without any reading."""
        return Estimate(
            captured_ns=now_ns,
            label=label,
            confidence=0.0,
            valence=0.0,
            arousal=0.0,
            probs=None,
            modalities={m: ModalityState(present=False) for m in Modality},
            rule=self.rule,
            uncertain_below=self.uncertain_below,
            hold_s=self.hold_s,
            reason=reason,
        )


def _state(now_ns: int, reading: Reading | None, weight: float) -> ModalityState:
    if reading is None:
        return ModalityState(present=False)
    age_ms = (now_ns - reading.captured_ns) / 1e6
    return ModalityState(present=True, age_ms=age_ms, quality=reading.quality, weight=weight, probs=reading.probs)
