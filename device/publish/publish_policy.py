"""Publish policy: on change, rate-limited, with a heartbeat. Stepped by the times it is given."""

from __future__ import annotations

from device.readings import Estimate, Modality


class PublishPolicy:
    """Which estimates are published: a change at once, anything else once every ``heartbeat_s``.

    A change is another label or reason, a modality that came or went, or a confidence ``confidence_step`` away from the
    last one published. No two are closer than ``1 / max_rate_hz``; a change within that time is said as soon as it is
    over.
    """

    def __init__(self, *, heartbeat_s: float = 10.0, max_rate_hz: float = 10.0, confidence_step: float = 0.05) -> None:
        self._heartbeat_ns = round(heartbeat_s * 1e9)
        self._gap_ns = round(1e9 / max_rate_hz)
        self._confidence_step = confidence_step
        self._last: Estimate | None = None

    def due(self, estimate: Estimate) -> bool:
        """Whether to publish this estimate; ``True`` counts as published."""
        if self._last is not None and not self._should_publish(self._last, estimate):
            return False
        self._last = estimate
        return True

    def restart(self) -> None:
        """The next estimate is due, whatever it says: there is a new audience."""
        self._last = None

    def _should_publish(self, last: Estimate, estimate: Estimate) -> bool:
        waited_ns = estimate.captured_ns - last.captured_ns
        if waited_ns < 0:  # the source was replayed from its start
            return True
        if waited_ns >= self._heartbeat_ns:
            return True
        return waited_ns >= self._gap_ns and self._changed(last, estimate)

    def _changed(self, last: Estimate, estimate: Estimate) -> bool:
        return (
            (estimate.label, estimate.reason) != (last.label, last.reason)
            or _present(estimate) != _present(last)
            or abs(estimate.confidence - last.confidence) >= self._confidence_step
        )


def _present(estimate: Estimate) -> frozenset[Modality]:
    return frozenset(m for m, state in estimate.modalities.items() if state.present)


class Every:
    """Timer that recurs: ``due(now_ns)`` is true at the first call and then once a period."""

    def __init__(self, period_s: float) -> None:
        self._period_ns = round(period_s * 1e9)
        self._next_ns: int | None = None

    def due(self, now_ns: int) -> bool:
        """Whether the period is over; ``True`` starts the next one, counted from now."""
        if self._next_ns is not None and now_ns < self._next_ns:
            return False
        self._next_ns = now_ns + self._period_ns
        return True
