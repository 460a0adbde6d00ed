"""Serialization of the appliance's own objects: estimates, boxes, cards as the schema has them, rounded."""

from __future__ import annotations

from collections.abc import Sequence

from desktop_server.schema import analysis as schema
from device.models.card import Card
from device.models.detect import Box
from device.readings import EMOTIONS, UNCERTAIN, Estimate, Label, Modality, ModalityState, Probabilities

DIGITS = 4
"""As in what MQTT carries."""
_PX_DIGITS = 1


def estimate(fused: Estimate, *, uncertain_below: float) -> schema.Estimate:
    """A fused estimate."""
    return schema.Estimate(
        label=fused.label,
        reason=fused.reason,
        confidence=rounded(fused.confidence),
        valence=rounded(fused.valence),
        arousal=rounded(fused.arousal),
        probs=probs(fused.probs),
        unsmoothed=probs(fused.unsmoothed),
        modalities=_modalities(fused, uncertain_below),
    )


def rule_result(fused: Estimate, timeline: Sequence[Estimate] | None = None) -> schema.RuleResult:
    """What a rule makes of the readings of the whole, and what it said on the way."""
    face, speech = (fused.modalities[modality].weight for modality in (Modality.FACE, Modality.SPEECH))
    return schema.RuleResult(
        label=fused.label,
        confidence=rounded(fused.confidence),
        valence=rounded(fused.valence),
        arousal=rounded(fused.arousal),
        probs=probs(fused.probs),
        face_weight=rounded(face),
        speech_weight=rounded(speech),
        timeline=None if timeline is None else rule_timeline(timeline),
    )


def rule_timeline(told: Sequence[Estimate]) -> schema.RuleTimeline:
    """A rule's estimates, in columns."""
    return schema.RuleTimeline(
        at_s=[_at_s(one) for one in told],
        label=[one.label for one in told],
        confidence=[rounded(one.confidence) for one in told],
        valence=[rounded(one.valence) for one in told],
        arousal=[rounded(one.arousal) for one in told],
        probs=[_numbers(one.probs) for one in told],
        unsmoothed=[_numbers(one.unsmoothed) for one in told],
        face_weight=[rounded(one.modalities[Modality.FACE].weight) for one in told],
        speech_weight=[rounded(one.modalities[Modality.SPEECH].weight) for one in told],
    )


def timeline_estimate(fused: Estimate, *, uncertain_below: float) -> schema.TimelineEstimate:
    """An estimate of a timeline."""
    return schema.TimelineEstimate(
        at_s=_at_s(fused),
        **dict(estimate(fused, uncertain_below=uncertain_below)),
    )


def probs(values: Probabilities | None) -> schema.Probs | None:
    """By their names."""
    if values is None:
        return None
    return schema.Probs(**{str(e): rounded(p) for e, p in zip(EMOTIONS, values, strict=True)})


def label(values: Probabilities, *, uncertain_below: float) -> Label:
    """The best emotion, or `uncertain`."""
    best = max(range(len(EMOTIONS)), key=values.__getitem__)
    return str(EMOTIONS[best]) if values[best] >= uncertain_below else UNCERTAIN


def box(found: Box) -> schema.Box:
    """A face's."""
    return schema.Box(
        left_px=round(found.left_px, _PX_DIGITS),
        top_px=round(found.top_px, _PX_DIGITS),
        width_px=round(found.width_px, _PX_DIGITS),
        height_px=round(found.height_px, _PX_DIGITS),
    )


def model(card: Card) -> schema.Model:
    """A model by its card."""
    return schema.Model(id=card.id, sha256=card.sha256)


def rounded(value: float) -> float:
    """To the digits of every answer. ``+ 0.0``: no "-0.0"."""
    return round(float(value), DIGITS) + 0.0


def _at_s(fused: Estimate) -> float:
    return round(max(0, fused.captured_ns) / 1e9, 3)


def _numbers(values: Probabilities | None) -> list[float] | None:
    return None if values is None else [rounded(value) for value in values]


def _modalities(fused: Estimate, uncertain_below: float) -> schema.Modalities:
    face, speech = (_modality(fused.modalities[m], uncertain_below) for m in (Modality.FACE, Modality.SPEECH))
    return schema.Modalities(face=face, speech=speech)


def _modality(state: ModalityState, uncertain_below: float) -> schema.ModalityResult:
    return schema.ModalityResult(
        present=state.present,
        quality=None if state.quality is None else rounded(state.quality),
        weight=rounded(state.weight),
        label=None if state.probs is None else label(state.probs, uncertain_below=uncertain_below),
        probs=probs(state.probs),
    )
