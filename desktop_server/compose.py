"""From the appliance's own objects to the parts of an answer."""

from __future__ import annotations

from typing import cast

from desktop_server import answer as parts
from device.models.card import Card
from device.models.detect import Box
from device.readings import EMOTIONS, UNCERTAIN, Estimate, Modality, ModalityState, Probabilities

DIGITS = 4
"""As in what MQTT carries."""
_PX_DIGITS = 1


def estimate(said: Estimate, *, uncertain_below: float) -> parts.Estimate:
    """A fused estimate."""
    return parts.Estimate(
        label=cast(parts.Label, said.label),
        reason=said.reason,
        confidence=rounded(said.confidence),
        valence=rounded(said.valence),
        arousal=rounded(said.arousal),
        probs=probs(said.probs),
        unsmoothed=probs(said.unsmoothed),
        modalities=_modalities(said, uncertain_below),
    )


def moment(said: Estimate, *, uncertain_below: float) -> parts.Moment:
    """An estimate on the way."""
    return parts.Moment(
        at_s=round(max(0, said.captured_ns) / 1e9, 3),
        **dict(estimate(said, uncertain_below=uncertain_below)),
    )


def probs(values: Probabilities | None) -> parts.Probs | None:
    """By their names."""
    if values is None:
        return None
    return parts.Probs(**{str(e): rounded(p) for e, p in zip(EMOTIONS, values, strict=True)})


def label(values: Probabilities, *, uncertain_below: float) -> parts.Label:
    """The best emotion, or `uncertain`."""
    best = max(range(len(EMOTIONS)), key=values.__getitem__)
    return cast(parts.Label, str(EMOTIONS[best]) if values[best] >= uncertain_below else UNCERTAIN)


def box(found: Box) -> parts.Box:
    """A face's."""
    return parts.Box(
        left_px=round(found.left_px, _PX_DIGITS),
        top_px=round(found.top_px, _PX_DIGITS),
        width_px=round(found.width_px, _PX_DIGITS),
        height_px=round(found.height_px, _PX_DIGITS),
    )


def model(card: Card) -> parts.Model:
    """A model by its card."""
    return parts.Model(id=card.id, sha256=card.sha256)


def rounded(value: float) -> float:
    """To the digits of every answer. ``+ 0.0``: no "-0.0"."""
    return round(float(value), DIGITS) + 0.0


def _modalities(said: Estimate, uncertain_below: float) -> parts.Modalities:
    face, speech = (_modality(said.modalities[m], uncertain_below) for m in (Modality.FACE, Modality.SPEECH))
    return parts.Modalities(face=face, speech=speech)


def _modality(state: ModalityState, uncertain_below: float) -> parts.Modality:
    return parts.Modality(
        present=state.present,
        quality=None if state.quality is None else rounded(state.quality),
        weight=rounded(state.weight),
        label=None if state.probs is None else label(state.probs, uncertain_below=uncertain_below),
        probs=probs(state.probs),
    )
