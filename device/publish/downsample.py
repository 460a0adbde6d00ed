"""Estimates made slow and coarse, for histories that keep every change. Stepped by the times it is given.

Home Assistant's recorder writes a row at each change of an entity, and automations act on each: ten estimates a second
are several hundred thousand rows a day.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from device.publish.contract import EntityStates
from device.readings import NOBODY, UNCERTAIN, UNKNOWN, Estimate, Modality

CONFIDENCE_STEP = 5
"""Points of 100 between two confidences that are told apart."""

PLANE_STEP = 0.1
"""Between two places on the valence–arousal plane that are told apart, along one axis."""
_DEAD_BAND = 0.075
"""More than half a step, so that a mean between two steps does not go to and fro; less than one, so that it arrives."""

_SETTLE_NS = 3_000_000_000
"""Who has come in is looked at for so long before an emotion is shown: the first estimates waver."""


class OffDelay:
    """Debounce of presence (an off-delay): on at once, off when it has been off for ``delay_ns``."""

    def __init__(self, delay_ns: int) -> None:
        self._delay_ns = delay_ns
        self._on_ns: int | None = None

    def step(self, now_ns: int, on: bool) -> bool:
        """Whether it counts as on at ``now_ns``."""
        if on:
            self._on_ns = now_ns
        return on or (self._on_ns is not None and now_ns - self._on_ns < self._delay_ns)

    def reset(self) -> None:
        """Off, without a delay."""
        self._on_ns = None


class Majority:
    """A sliding window of ``window_ns`` over labels and their confidences, each weighted by how long it lasted."""

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self._spans: deque[tuple[int, str, int, int]] = deque()  # end, label, how long, and that times the confidence
        self._lasted_ns: dict[str, int] = {}
        self._weighted: dict[str, int] = {}
        self.filled_ns = 0
        """How much of the window is known."""

    def add(self, start_ns: int, end_ns: int, label: str, confidence: float) -> None:
        """The label lasted from the one time to the other, which is now."""
        lasted_ns = end_ns - start_ns
        weighted = round(lasted_ns * confidence)
        self._spans.append((end_ns, label, lasted_ns, weighted))
        self._count(label, lasted_ns, weighted)
        while self._spans and self._spans[0][0] <= end_ns - self._window_ns:
            _, gone, lasted_ns, weighted = self._spans.popleft()
            self._count(gone, -lasted_ns, -weighted)

    def label(self, shown: str) -> str:
        """What lasted for more than half of what is known, else ``shown`` if for a third, else ``uncertain``.

        The one margin is wider than the other, so that on the way from one label to the next there is no third.
        """
        leader = next((label for label, ns in self._lasted_ns.items() if 2 * ns > self.filled_ns), UNCERTAIN)
        return shown if leader == UNCERTAIN and 3 * self._lasted_ns.get(shown, 0) >= self.filled_ns else leader

    def confidence(self, label: str) -> float:
        """The mean confidence while that label was shown; of everything where it never was."""
        if lasted_ns := self._lasted_ns.get(label):
            return self._weighted[label] / lasted_ns
        return sum(self._weighted.values()) / max(self.filled_ns, 1)

    def _count(self, label: str, lasted_ns: int, weighted: int) -> None:
        self.filled_ns += lasted_ns
        self._lasted_ns[label] = self._lasted_ns.get(label, 0) + lasted_ns
        self._weighted[label] = self._weighted.get(label, 0) + weighted


class MovingAverage:
    """An exponential moving average (EMA) of time constant ``interval_ns``, shown in steps of ``PLANE_STEP``.

    What is shown changes at most once in the time constant.
    """

    def __init__(self, interval_ns: int) -> None:
        self._interval_ns = interval_ns
        self.clear()

    def clear(self) -> None:
        """Begin anew, at 0."""
        self._mean, self._shown = 0.0, 0.0
        self._last_ns: int | None = None
        self._changed_ns: int | None = None

    def step(self, now_ns: int, value: float) -> float:
        """What is shown of the values up to this one."""
        if self._last_ns is None or not self._interval_ns:
            self._mean = value
        else:
            self._mean += (value - self._mean) * -math.expm1((self._last_ns - now_ns) / self._interval_ns)
        self._last_ns = now_ns
        is_free = self._changed_ns is None or now_ns - self._changed_ns >= self._interval_ns
        if is_free and abs(self._mean - self._shown) > _DEAD_BAND:
            self._shown, self._changed_ns = round(self._mean / PLANE_STEP) / round(1 / PLANE_STEP), now_ns
        return self._shown


class Downsampler:
    """A majority filter for the label, a dead band for its confidence, an off-delay for presence, an EMA for the plane.

    The label is what most of the last ``min_interval_s`` was; it and its confidence change at most once in that time.
    That nothing is looked at (``unknown``) and that somebody is present is shown at once, absence when it has lasted
    ``off_delay_s``.
    """

    def __init__(self, *, min_interval_s: float, off_delay_s: float) -> None:
        self._interval_ns = round(min_interval_s * 1e9)
        self._present = {modality: OffDelay(round(off_delay_s * 1e9)) for modality in Modality}
        self._window = Majority(self._interval_ns)
        self._valence, self._arousal = MovingAverage(self._interval_ns), MovingAverage(self._interval_ns)
        self._last: Estimate | None = None
        self._shown: tuple[str, int] | None = None  # the label, and its confidence in points
        self._changed_ns: int | None = None

    def step(self, estimate: Estimate) -> EntityStates:
        """What the entities show from this estimate on."""
        if self._last is not None and estimate.captured_ns < self._last.captured_ns:
            self._start_over()  # the source was replayed from its start
        self._follow(estimate)
        shown = self._next(estimate)
        if shown != self._shown:
            self._changed_ns = None if self._shown is None else estimate.captured_ns
        self._shown, self._last = shown, estimate
        label, confidence_percent = shown
        valence, arousal = self._plane(estimate)
        present: dict[str, Any] = {str(modality): self._is_present(estimate, modality) for modality in Modality}
        return EntityStates(
            label=label, confidence_percent=confidence_percent, valence=valence, arousal=arousal, **present
        )

    def _start_over(self) -> None:
        self._last = self._changed_ns = None
        for past in (self._window, self._valence, self._arousal):
            past.clear()
        for delay in self._present.values():
            delay.reset()

    def _follow(self, estimate: Estimate) -> None:
        """Let the last estimate count until this one; nobody counts no longer once somebody has come in."""
        last = self._last
        if last is None:
            return
        somebody_came = last.label == NOBODY != estimate.label and self._shown is not None and self._shown[0] == NOBODY
        if estimate.label == UNKNOWN or last.label == UNKNOWN or somebody_came:
            self._window.clear()
        else:
            self._window.add(last.captured_ns, estimate.captured_ns, last.label, last.confidence)

    def _next(self, estimate: Estimate) -> tuple[str, int]:
        now_ns, shown = estimate.captured_ns, self._shown
        if shown is None or estimate.label == UNKNOWN or not self._interval_ns:
            return estimate.label, _points(estimate.confidence)
        too_soon = self._changed_ns is not None and now_ns - self._changed_ns < self._interval_ns
        still_nobody = shown[0] == NOBODY == estimate.label
        if too_soon or still_nobody or self._window.filled_ns < min(_SETTLE_NS, self._interval_ns):
            return shown
        label = self._window.label(shown[0])
        confidence = self._window.confidence(label)
        is_as_shown = label == shown[0] and abs(100 * confidence - shown[1]) < CONFIDENCE_STEP
        return shown if is_as_shown else (label, _points(confidence))

    def _plane(self, estimate: Estimate) -> tuple[float, float]:
        if estimate.label == UNKNOWN:
            self._valence.clear()
            self._arousal.clear()
            return 0.0, 0.0
        now_ns = estimate.captured_ns
        return self._valence.step(now_ns, estimate.valence), self._arousal.step(now_ns, estimate.arousal)

    def _is_present(self, estimate: Estimate, modality: Modality) -> bool:
        delay = self._present[modality]
        if estimate.label == UNKNOWN:
            delay.reset()
        state = estimate.modalities.get(modality)
        return delay.step(estimate.captured_ns, state is not None and state.present)


def _points(confidence: float) -> int:
    return CONFIDENCE_STEP * round(100 * confidence / CONFIDENCE_STEP)
