"""What is said of a whole clip, the same everywhere: by `replay` and `compare`, by the server and its page.

Each modality's readings are averaged, their probabilities and their quality, and the fusion rule is applied once to the
averages. Nothing is smoothed or held: an estimate on the way says what is so now, the whole what the clip shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from device.fusion.rules import RULES
from device.readings import Estimate, Modality, Reading, leader, probabilities

TAIL_NS = 900_000_000
"""The last words' reading comes after the clip's end; a scene leaves a longer pause between clips."""


@dataclass(frozen=True, slots=True)
class Span:
    """A clip's time in a scene."""

    name: str
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class ClipSummary:
    """The leading emotion and its probability by face, by voice and fused; ``None`` where nothing was read."""

    name: str
    face: tuple[str, float] | None
    voice: tuple[str, float] | None
    fused: tuple[str, float] | None


class ClipSummaries:
    """Collects a scene's estimates clip by clip."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._readings: dict[Span, dict[tuple[Modality, int], Reading]] = {}
        self._rule = ""

    def add(self, estimate: Estimate) -> None:
        """Take one estimate in; those outside every clip say nothing about one."""
        self._rule = estimate.rule
        for span in self._spans:
            if span.start_ns <= estimate.captured_ns <= span.end_ns + TAIL_NS:
                self._add(span, estimate)

    @property
    def clips(self) -> list[ClipSummary]:
        """One summary a clip, in the scene's order."""
        return [self._summary(span) for span in self._spans]

    def _summary(self, span: Span) -> ClipSummary:
        means = mean_readings(self._readings.get(span, {}).values())
        return ClipSummary(
            span.name,
            face=leader(means[Modality.FACE].probs) if Modality.FACE in means else None,
            voice=leader(means[Modality.SPEECH].probs) if Modality.SPEECH in means else None,
            fused=leader(RULES[self._rule](means).probs) if means else None,
        )

    def _add(self, span: Span, estimate: Estimate) -> None:
        for modality, state in estimate.modalities.items():
            if state.probs is not None and state.age_ms is not None:
                # A reading stands for the present until a newer one comes: count it once, by its own time.
                read_ns = estimate.captured_ns - round(state.age_ms * 1e6)
                if read_ns >= span.start_ns:
                    reading = Reading(modality, read_ns, state.probs, 1.0 if state.quality is None else state.quality)
                    self._readings.setdefault(span, {})[modality, read_ns] = reading


def mean_readings(readings: Iterable[Reading]) -> dict[Modality, Reading]:
    """What each modality said over a whole clip: the mean of its probabilities and of its quality."""
    by_modality: dict[Modality, list[Reading]] = {}
    for reading in readings:
        by_modality.setdefault(reading.modality, []).append(reading)
    return {modality: _mean(modality, said) for modality, said in by_modality.items()}


def _mean(modality: Modality, readings: Sequence[Reading]) -> Reading:
    quality = float(np.mean([reading.quality for reading in readings]))
    return Reading(modality, 0, probabilities(np.mean([reading.probs for reading in readings], axis=0)), quality)
