"""Estimates to tell stories with."""

from __future__ import annotations

from device.readings import EMOTIONS, NOBODY, UNCERTAIN, UNKNOWN, Estimate, Modality, ModalityState, Probabilities
from device.readings import probabilities as vector

THRESHOLD = 0.4


def probabilities(label: str, confidence: float) -> Probabilities:
    """``confidence`` for the label and the rest shared by the others."""
    others = (1 - confidence) / (len(EMOTIONS) - 1)
    return vector(confidence if emotion == label else others for emotion in EMOTIONS)


def estimate(
    at_s: float,
    label: str = "happy",
    confidence: float = 0.8,
    *,
    face: bool = True,
    speech: bool = False,
    reason: str | None = None,
) -> Estimate:
    """One estimate ``at_s`` seconds after the start of the story; a ``reason`` for ``unknown``."""
    best = label if label in EMOTIONS else "sad"
    nothing = label in (NOBODY, UNKNOWN)
    probs = None if nothing else probabilities(best, 0.3 if label == UNCERTAIN else confidence)
    weight = 0.0 if nothing else 1.0 / (face + speech)

    def part(present: bool) -> ModalityState:
        seen = present and not nothing
        return ModalityState(True, 40.0, 0.9, weight, probs) if seen else ModalityState(False)

    return Estimate(
        captured_ns=round(at_s * 1e9),
        label=label,
        confidence=0.0 if nothing else confidence,
        valence=0.0 if nothing else 0.5,
        arousal=0.0 if nothing else 0.25,
        probs=probs,
        modalities={m: part({Modality.FACE: face, Modality.SPEECH: speech}.get(m, False)) for m in Modality},
        rule="average",
        uncertain_below=THRESHOLD,
        hold_s=0.5,
        reason=reason,
    )
