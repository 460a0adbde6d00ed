"""Episodes of an emotion out of a stream of estimates, debounced. Stepped; it reads no clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal

from device.readings import EMOTIONS, Emotion, Estimate

EPISODIC = frozenset(str(e) for e in EMOTIONS) - {str(Emotion.NEUTRAL)}
"""The labels that make an episode. Neutral is what a face rests in, not something that happens."""


RESTART: Final = "restart"
"""Why an episode ended whose process died: the next one ends it."""


class EpisodeKind(StrEnum):
    """Kind of an event of an episode."""

    START = "start"
    UPDATE = "update"
    END = "end"


@dataclass(frozen=True, slots=True)
class EpisodeEvent:
    """One thing that happened to an episode. ``id`` is the same from start to end and never used again.

    ``captured_ns`` is when it happened; an end is dated to the last estimate that carried the label. ``reason`` says
    why it ended, where that was not for want of the label.
    """

    kind: EpisodeKind
    id: str
    label: str
    started_ns: int
    captured_ns: int
    confidence: float
    peak_confidence: float
    mean_confidence: float
    reason: Literal["restart"] | None = None

    def will(self) -> EpisodeEvent | None:
        """The end that is to be told if this was the last word of the process; an end needs none."""
        return None if self.kind is EpisodeKind.END else replace(self, kind=EpisodeKind.END, reason=RESTART)


@dataclass(frozen=True, slots=True)
class _Episode:
    label: str
    started_ns: int
    seen_ns: int
    confidence: float
    peak: float
    total: float
    count: int
    id: str = ""
    told_ns: int = 0

    def seen(self, estimate: Estimate) -> _Episode:
        return replace(
            self,
            seen_ns=estimate.captured_ns,
            confidence=estimate.confidence,
            peak=max(self.peak, estimate.confidence),
            total=self.total + estimate.confidence,
            count=self.count + 1,
        )

    def event(self, kind: EpisodeKind) -> EpisodeEvent:
        mean = self.total / self.count
        return EpisodeEvent(
            kind, self.id, self.label, self.started_ns, self.seen_ns, self.confidence, self.peak, mean
        )  # fmt: skip


class Episodes:
    """Starts an episode when a label has lasted ``min_s``, ends it when it was away for ``end_after_s``.

    While it lasts there is an update every ``update_s``. Another emotion that lasts ``min_s`` ends it at once, so one
    node has at most one episode at a time. ``id_prefix`` makes ids unique over restarts (the boot id).
    """

    def __init__(self, *, id_prefix: str, min_s: float = 1.0, end_after_s: float = 3.0, update_s: float = 30.0) -> None:
        self._id_prefix = id_prefix
        self._min_ns, self._end_after_ns, self._update_ns = (round(s * 1e9) for s in (min_s, end_after_s, update_s))
        self._started = 0
        self._current: _Episode | None = None
        self._candidate: _Episode | None = None

    def step(self, estimate: Estimate) -> list[EpisodeEvent]:
        """What this estimate begins, continues or ends: mostly nothing."""
        return [*self._follow(estimate), *self._begin(estimate)]

    def will(self) -> EpisodeEvent | None:
        """The end that is to be told if this life ends now without a word; ``None`` while nothing goes on."""
        return None if self._current is None else self._current.event(EpisodeKind.UPDATE).will()

    def finish(self) -> list[EpisodeEvent]:
        """End what is going on: the appliance stops."""
        return list(self._end())

    def _follow(self, estimate: Estimate) -> Iterator[EpisodeEvent]:
        current = self._current
        if current is None:
            return
        if estimate.label == current.label:
            self._current = current.seen(estimate)
            if estimate.captured_ns - current.told_ns >= self._update_ns:
                self._current = replace(self._current, told_ns=estimate.captured_ns)
                yield self._current.event(EpisodeKind.UPDATE)
        elif estimate.captured_ns - current.seen_ns >= self._end_after_ns:
            yield from self._end()

    def _begin(self, estimate: Estimate) -> Iterator[EpisodeEvent]:
        self._candidate = candidate = self._next_candidate(estimate)
        if candidate is None or estimate.captured_ns - candidate.started_ns < self._min_ns:
            return
        yield from self._end()
        self._started += 1
        self._current = replace(candidate, id=f"{self._id_prefix}-{self._started}", told_ns=estimate.captured_ns)
        self._candidate = None
        yield self._current.event(EpisodeKind.START)

    def _next_candidate(self, estimate: Estimate) -> _Episode | None:
        if estimate.label not in EPISODIC or (self._current and self._current.label == estimate.label):
            return None
        if self._candidate and self._candidate.label == estimate.label:
            return self._candidate.seen(estimate)
        at, sure = estimate.captured_ns, estimate.confidence
        return _Episode(estimate.label, at, at, sure, sure, sure, 1)

    def _end(self) -> Iterator[EpisodeEvent]:
        if self._current is not None:
            ended, self._current = self._current, None
            yield ended.event(EpisodeKind.END)
