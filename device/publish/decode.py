"""Decoding of messages, for programs that listen: as a type of the contract, and a ``state`` as its estimate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from device.publish.contract import ModalityPart, Payload, State
from device.readings import EMOTIONS, Emotion, Estimate, Modality, ModalityState, Probabilities, probabilities

_MAX_BYTES = 65_536
"""No message of the contract is as long; a stranger's may be, and must not fill the memory of who listens."""

_Payload = TypeVar("_Payload", bound=Payload)


def decode(kind: type[_Payload], payload: bytes) -> _Payload | None:
    """The payload as a ``kind``, whatever version sent it; ``None`` if it is none. Never raises."""
    if len(payload) > _MAX_BYTES:
        return None
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def estimate_of(payload: bytes) -> Estimate:
    """The estimate in an ``affectd.state/1`` message, without modalities that are not known here.

    Raises ``msgspec.DecodeError`` if it is no such message.
    """
    state = msgspec.json.decode(payload, type=State)
    return Estimate(
        captured_ns=state.mono_ns,
        label=state.label,
        confidence=state.confidence,
        valence=state.valence,
        arousal=state.arousal,
        probs=_probs(state.probs),
        modalities={Modality(m): _modality(part) for m, part in state.modalities.items()},
        rule=state.fusion.rule,
        uncertain_below=state.fusion.uncertain_below,
        hold_s=state.fusion.hold_s,
        reason=state.reason,
    )


def _modality(part: ModalityPart) -> ModalityState:
    return ModalityState(part.present, part.age_ms, part.quality, part.weight, _probs(part.probs))


def _probs(probs: Mapping[Emotion, float]) -> Probabilities | None:
    """``None`` where nothing was read: all are 0."""
    return probabilities(probs[emotion] for emotion in EMOTIONS) if any(probs.values()) else None
