"""The way back: a ``state`` message as the estimate it was made of, for programs that listen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from device.readings import EMOTIONS, Estimate, Modality, ModalityState, Probabilities


def estimate_of(state: Mapping[str, Any]) -> Estimate:
    """The estimate in an ``affectd.state/1`` message. Raises ``KeyError`` if it is no such message."""
    return Estimate(
        captured_ns=state["mono_ns"],
        label=state["label"],
        confidence=state["confidence"],
        valence=state["valence"],
        arousal=state["arousal"],
        probs=_probs(state["probs"]),
        modalities={m: _modality(state["modalities"][m]) for m in Modality},
        rule=state["fusion"]["rule"],
        uncertain_below=state["fusion"].get("uncertain_below"),
        hold_s=state["fusion"].get("hold_s"),
        reason=state.get("reason"),
    )


def _modality(part: Mapping[str, Any]) -> ModalityState:
    return ModalityState(**{**part, "probs": _probs(part["probs"])})


def _probs(probs: Mapping[str, float] | None) -> Probabilities | None:
    """``None`` for all 0, and for the null of earlier nodes."""
    if probs is None or not any(probs.values()):
        return None
    a, b, c, d, e, f, g = (probs[emotion] for emotion in EMOTIONS)
    return a, b, c, d, e, f, g
