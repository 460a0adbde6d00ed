"""Recordings through the whole appliance in both precisions: detector, voice gate, nets, fusion, smoothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from desktop_server.comparison.sides import Side
from device.app import replay_estimates
from device.capture.replay import open_media
from device.commands.replay import spans, votes_beside
from device.config.settings import Settings
from device.errors import AffectdError
from device.fusion.clips import ClipSummaries, ClipSummary, Span
from device.readings import EMOTIONS, Emotion, Estimate, Modality, Probabilities
from quantize.evaluation.agreement import Closeness, closeness, difference_quantiles
from quantize.evaluation.significance import Paired
from quantize.evaluation.significance import compare as paired

FUSED = "fused"

TopEmotion = tuple[str, float]
"""A leading emotion and its probability."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of so many probability vectors that both gave: how near they are; classes are float32's own labels."""

    samples: int
    closeness: Closeness
    difference_quantiles: list[float]


@dataclass(frozen=True, slots=True)
class ComparedClip:
    """Both precisions' fused emotion of a whole clip, and what most people said (nothing where nobody was asked)."""

    name: str
    int8: TopEmotion | None
    float32: TopEmotion | None
    people: list[str]


@dataclass(frozen=True, slots=True)
class ComparedMoment:
    """Both at one moment, as they would be published; ``None`` for nobody's probabilities."""

    at_s: float
    int8_label: str
    float32_label: str
    int8: Probabilities | None
    float32: Probabilities | None


@dataclass(frozen=True, slots=True)
class MediaComparison:
    """``same_label`` is the share of moments at which both would publish the same label, smoothed and held.

    ``agreement`` is of what each modality's net said and of the ``fused`` probabilities. ``against_people``, by clips,
    has float32 first and int8 second.
    """

    media: tuple[str, ...]
    mode: str
    rule: str
    same_label: float
    agreement: dict[str, Agreement]
    clips: list[ComparedClip]
    against_people: Paired | None
    timeline: list[ComparedMoment]


def compare_media(
    media: Sequence[Path], settings: Settings, int8: Side, full: Side, *, rate_hz: float | None
) -> MediaComparison:
    """Raises ``MediaError`` for what cannot be played, ``AffectdError`` where nothing is read from any of it."""
    int8_result, reference = (_ReplayResult.of(media, settings, side, rate_hz) for side in (int8, full))
    moments = _matched_by_time(int8_result.estimates, reference.estimates)
    agreement = _agreement(*(_vectors(side) for side in zip(*moments, strict=True)))
    if not agreement:
        raise AffectdError(f"no face and no voice is found in {', '.join(path.name for path in media)}")
    votes = votes_beside(media)
    clips = [_clip(*both, votes) for both in zip(int8_result.clips, reference.clips, strict=True)]
    return MediaComparison(
        media=tuple(path.name for path in media),
        mode=settings.node.mode,
        rule=moments[0][0].rule,
        same_label=float(np.mean([ours.label == theirs.label for ours, theirs in moments])),
        agreement=agreement,
        clips=clips,
        against_people=_against_people(clips),
        timeline=[_moment(*both) for both in moments],
    )


@dataclass(frozen=True, slots=True)
class _ReplayResult:
    """The estimates of one side over the media, and each clip's summary."""

    estimates: list[Estimate]
    clips: list[ClipSummary]

    @classmethod
    def of(cls, media: Sequence[Path], settings: Settings, side: Side, rate_hz: float | None) -> _ReplayResult:
        replay = open_media(media, rate_hz=rate_hz)
        estimates = list(replay_estimates(settings, side.models, replay, side.engine.load_net))
        return cls(estimates, _summaries(spans(replay), estimates))


def _matched_by_time(ours: Sequence[Estimate], theirs: Sequence[Estimate]) -> list[tuple[Estimate, Estimate]]:
    """What both said last at each moment at which both said anything: a label that falls is one side's own matter."""
    said, other = ({estimate.captured_ns: estimate for estimate in side} for side in (ours, theirs))
    return [(said[moment], other[moment]) for moment in said if moment in other]


def _summaries(clips: list[Span], estimates: Sequence[Estimate]) -> list[ClipSummary]:
    summaries = ClipSummaries(clips)
    for estimate in estimates:
        summaries.add(estimate)
    return summaries.clips


def _vectors(estimates: Sequence[Estimate]) -> dict[str, dict[int, Probabilities]]:
    """By time: each modality's readings, each once, and the fused vectors."""
    found: dict[str, dict[int, Probabilities]] = {name: {} for name in (*Modality, FUSED)}
    for estimate in estimates:
        if estimate.probs is not None:
            found[FUSED][estimate.captured_ns] = estimate.probs
        for modality, state in estimate.modalities.items():
            if state.probs is not None and state.age_ms is not None:
                found[modality][estimate.captured_ns - round(state.age_ms * 1e6)] = state.probs
    return found


def _agreement(
    int8_result: Mapping[str, Mapping[int, Probabilities]], reference: Mapping[str, Mapping[int, Probabilities]]
) -> dict[str, Agreement]:
    found = {}
    for name, vectors in int8_result.items():
        if vectors:
            probs, other = (np.array(list(v.values()), dtype=np.float32) for v in (vectors, reference[name]))
            close = closeness(probs, other, other.argmax(axis=1))
            found[str(name)] = Agreement(len(probs), close, difference_quantiles(probs, other))
    return found


def _clip(ours: ClipSummary, theirs: ClipSummary, votes: Mapping[str, Mapping[str, Sequence[str]]]) -> ComparedClip:
    return ComparedClip(ours.name, ours.fused, theirs.fused, list(votes.get(Path(ours.name).stem, {}).get("both", ())))


def _against_people(clips: Sequence[ComparedClip]) -> Paired | None:
    """Right is what most people said; where they were torn, either."""
    judged = [clip for clip in clips if clip.people and clip.int8 and clip.float32]
    if not judged:
        return None
    right = [
        np.array([said is not None and said[0] in clip.people for clip, said in answers])
        for answers in (_answers_of(judged, "float32"), _answers_of(judged, "int8"))
    ]
    labels = np.array([EMOTIONS.index(Emotion(clip.people[0])) for clip in judged])
    return paired(right[0], right[1], labels, [clip.name for clip in judged])


def _answers_of(clips: Sequence[ComparedClip], side: str) -> list[tuple[ComparedClip, TopEmotion | None]]:
    return [(clip, getattr(clip, side)) for clip in clips]


def _moment(ours: Estimate, theirs: Estimate) -> ComparedMoment:
    return ComparedMoment(ours.captured_ns / 1e9, ours.label, theirs.label, ours.probs, theirs.probs)
