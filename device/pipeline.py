"""Sources through recognisers to readings: in step for replays and tests, or on threads for the appliance.

Only this module, ``handover`` and ``newest`` know threads: the camera's, vision's and sound's; fusing and publishing
stay with whoever takes the readings (the main thread).
"""

from __future__ import annotations

import heapq
import threading  # noqa: TID251 - one of the three modules that may
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import Any, Generic, Self

from device.errors import SourceLost, SourceUnavailable
from device.handover import DropOldest
from device.readings import Estimate, Reading
from device.stages import AnyLane, Fuser, Lane, Signal, Source

READINGS_CAPACITY = 32
STARTING = "starting"
TICK_NS = 1_000_000_000
RETRY_S = (1.0, 2.0, 5.0, 10.0)
"""Waits before a lost sensor is tried again; the last one repeats. Shorter than the watchdog's patience."""


def run_inline(lanes: Iterable[AnyLane], fusion: Fuser) -> Iterator[Estimate]:
    """Every estimate of the recorded signals, in the order of their capture, without a thread or a clock.

    The same signals give the same estimates, at least one. Raises what the sources raise.
    """
    captured_ns, said = 0, False
    with ExitStack() as open_sources:
        timed = [_timed_readings(lane, open_sources) for lane in lanes]
        for captured_ns, reading in heapq.merge(*timed, key=lambda pair: pair[0]):
            # What is read at this very moment is taken in first: a label must not fall for want of it.
            is_late = reading is None or reading.captured_ns < captured_ns
            for estimate in (is_late and fusion.tick(captured_ns), reading and fusion.step(reading)):
                if estimate:
                    said = True
                    yield estimate
    if not said and (estimate := fusion.tick(captured_ns + TICK_NS)):
        yield estimate  # a scene shorter than a tick, with nobody in it


def _timed_readings(lane: Lane[Any], open_sources: ExitStack) -> Iterator[tuple[int, Reading | None]]:
    end_ns = 0
    for signal in open_sources.enter_context(lane.open_source()):
        end_ns = signal.captured_ns
        yield end_ns, lane.recognise(signal)
    yield end_ns, lane.recognise.finish()


@dataclass(frozen=True, slots=True)
class LaneState:
    """How a lane is doing, for status and health.

    ``state`` is ``online``, ``degraded``, ``offline`` or ``disabled`` (by the privacy switch), with a reason in words;
    ``moved_ns`` is the monotonic time at which it last got anywhere; a recording may have nothing to show for long.
    ``blind``: signals come, but what they show must not be believed (a frozen or black picture, a stuck sensor).
    """

    state: str = "offline"
    reason: str = STARTING
    signals: int = 0
    dropped: int = 0
    restarts: int = 0
    last_captured_ns: int = 0
    moved_ns: int = 0
    is_recording: bool = False
    finished: bool = False
    blind: bool = False

    @property
    def perceives(self) -> bool:
        """Whether what comes from it, or that nothing comes from it, tells of the world."""
        return self.state in ("online", "degraded") and not self.blind and not self.finished


class ThreadedPipeline(AbstractContextManager["ThreadedPipeline"]):
    """The lanes on threads. Readings are taken with ``take``; a sensor that is lost is tried again by itself.

    An exception that nobody expects ends the whole: ``take`` raises it in the caller's thread.
    """

    def __init__(self, lanes: Iterable[AnyLane], *, paused: bool = False) -> None:
        self._readings: DropOldest[Reading] = DropOldest(READINGS_CAPACITY)
        self._failure: BaseException | None = None
        self._runners: list[_LaneRunner[Any]] = [
            _LaneRunner(lane, self._readings.put, self._fail, paused=paused) for lane in lanes
        ]

    def __enter__(self) -> Self:
        for runner in self._runners:
            runner.start()
        return self

    def __exit__(self, *exc: object) -> None:
        for runner in self._runners:
            runner.stop()
        for runner in self._runners:
            runner.join()

    def take(self, timeout_s: float) -> Reading | None:
        """The next reading, or ``None`` after the time-out. Raises what a thread could not handle."""
        reading = self._readings.take(timeout_s)
        if self._failure is not None:
            raise self._failure
        return reading

    def pause(self, paused: bool) -> None:
        """Close the sensors, or open them again."""
        for runner in self._runners:
            runner.pause(paused)

    @property
    def states(self) -> dict[str, LaneState]:
        """Each lane's state, by its name."""
        return {runner.name: runner.state for runner in self._runners}

    @property
    def dropped_readings(self) -> int:
        """Readings that came faster than they were taken."""
        return self._readings.dropped

    @property
    def queued_readings(self) -> int:
        """Readings that wait to be taken."""
        return len(self._readings)

    @property
    def finished(self) -> bool:
        """All recordings are at their end and all readings taken."""
        return all(state.finished for state in self.states.values()) and not self.queued_readings

    def _fail(self, error: BaseException) -> None:
        self._failure = error
        self._readings.close()


class _LaneRunner(Generic[Signal]):
    """One lane's thread: opens the source, reads it, and opens it again after a loss or a pause.

    Only the thread writes ``state``; others read the newest whole one.
    """

    def __init__(
        self,
        lane: Lane[Signal],
        give: Callable[[Reading], None],
        fail: Callable[[BaseException], None],
        *,
        paused: bool,
    ) -> None:
        self.name = lane.name
        self.state = LaneState(moved_ns=time.monotonic_ns())
        self._lane, self._give, self._fail = lane, give, fail
        self._wake = threading.Condition()
        self._stopping, self._paused = False, paused
        self._source: Source[Signal] | None = None
        self._closed_by_us = False
        self._thread = threading.Thread(target=self._run, name=lane.name)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def stop(self) -> None:
        with self._wake:
            self._stopping = True
            self._interrupt()

    def pause(self, paused: bool) -> None:
        with self._wake:
            self._paused = paused
            self._interrupt()

    def _interrupt(self) -> None:
        if self._source is not None and self._unwanted:
            self._closed_by_us = True
            self._source.close()
        self._wake.notify_all()

    @property
    def _unwanted(self) -> bool:
        return self._stopping or self._paused

    def _run(self) -> None:
        try:
            attempt = 0
            while self._wait_until_wanted() and not self.state.finished:
                seen = self.state.signals
                try:
                    self._read_source()
                except (SourceUnavailable, SourceLost) as error:
                    if self._lane.required and not self.state.signals:
                        raise
                    attempt = 0 if self.state.signals > seen else attempt + 1
                    self._retry_later(str(error), RETRY_S[min(attempt, len(RETRY_S) - 1)])
        except BaseException as error:
            self._fail(error)

    def _wait_until_wanted(self) -> bool:
        with self._wake:
            while self._paused and not self._stopping:
                self._note(state="disabled", reason="privacy")
                self._wake.wait()
            return not self._stopping

    def _retry_later(self, reason: str, wait_s: float) -> None:
        self._note(state="offline", reason=reason, restarts=self.state.restarts + 1)
        with self._wake:
            self._wake.wait_for(lambda: self._unwanted, wait_s)

    def _read_source(self) -> None:
        """Read the source until it ends, is lost (raises) or is closed because it is not wanted."""
        self._note()
        self._closed_by_us = False
        with self._lane.open_source() as source:
            self._offer_to_close(source)
            self._note(is_recording=source.is_recording, **_condition(source))
            self._read(source)
            self._offer_to_close(None)
        # Not `_unwanted`: privacy may be over again by now.
        if not self._closed_by_us:
            self._ended(source)

    def _read(self, source: Source[Signal]) -> None:
        dropped_before = self.state.dropped
        for signal in source:
            self._note(signals=self.state.signals + 1, last_captured_ns=signal.captured_ns)
            self._give_if_any(self._lane.recognise(signal))
            self._note(dropped=dropped_before + source.dropped, **_condition(source))
        last_words = self._lane.recognise.finish()
        if not self._closed_by_us:
            self._give_if_any(last_words)

    def _ended(self, source: Source[Signal]) -> None:
        if not source.is_recording:
            raise SourceLost(f"{self.name}: it ended by itself; it is tried again")
        self._note(state="offline", reason="end of recording", finished=True)

    def _offer_to_close(self, source: Source[Signal] | None) -> None:
        """From now on whoever stops or pauses the lane closes this source; at once, if that has happened."""
        with self._wake:
            self._source = source
            self._interrupt()

    def _give_if_any(self, reading: Reading | None) -> None:
        if reading is not None:
            self._give(reading)

    def _note(self, **changes: object) -> None:
        self.state = replace(self.state, moved_ns=time.monotonic_ns(), **changes)  # type: ignore[arg-type]


def _condition(source: Source[Any]) -> dict[str, str]:
    return {"state": "degraded" if source.problem else "online", "reason": source.problem}
