"""What was said over a whole clip: the mean of its estimates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from device.readings import EMOTIONS, Estimate, Modality, Probabilities

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
    """The leading emotion and its mean probability by face, by voice and fused; ``None`` where nothing was read."""

    name: str
    face: tuple[str, float] | None
    voice: tuple[str, float] | None
    fused: tuple[str, float] | None


class Summaries:
    """Collects a scene's estimates clip by clip."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self._readings: dict[tuple[Span, Modality | None], dict[int, Probabilities]] = {}

    def add(self, estimate: Estimate) -> None:
        """Take one estimate in; those outside every clip say nothing about one."""
        for span in self._spans:
            if span.start_ns <= estimate.captured_ns <= span.end_ns + TAIL_NS:
                self._add(span, estimate)

    @property
    def clips(self) -> list[ClipSummary]:
        """One summary a clip, in the scene's order."""
        return [
            ClipSummary(
                span.name,
                face=self._mean(span, Modality.FACE),
                voice=self._mean(span, Modality.SPEECH),
                fused=self._mean(span, None),
            )
            for span in self._spans
        ]

    def _add(self, span: Span, estimate: Estimate) -> None:
        if estimate.probs is not None:
            self._readings.setdefault((span, None), {})[estimate.captured_ns] = estimate.probs
        for modality, state in estimate.modalities.items():
            if state.probs is not None and state.age_ms is not None:
                # A reading stands for the present until a newer one comes: count it once, by its own time.
                read_ns = estimate.captured_ns - round(state.age_ms * 1e6)
                if read_ns >= span.start_ns:
                    self._readings.setdefault((span, modality), {})[read_ns] = state.probs

    def _mean(self, span: Span, modality: Modality | None) -> tuple[str, float] | None:
        found = self._readings.get((span, modality))
        if not found:
            return None
        mean = np.mean(list(found.values()), axis=0)
        best = int(mean.argmax())
        return str(EMOTIONS[best]), float(mean[best])
