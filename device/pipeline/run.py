"""Sources through recognisers to readings: in step for replays and tests, or on threads for the appliance.

Threads are the camera's, vision's and sound's; fusing and publishing stay with whoever takes the readings (the main
thread).
"""

from __future__ import annotations

import heapq
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Self

from device.fusion.temporal import TICK_NS
from device.pipeline.branch_runner import BranchRunner
from device.pipeline.branch_state import DRIVER_STUCK_AFTER_S, BranchState
from device.readings import Estimate, Reading
from device.stages import AnyBranch, Branch, Fuser
from device.threads.handover import DropOldest

__all__ = ["BranchState", "ThreadedPipeline", "run_inline"]

READINGS_CAPACITY = 32
STOP_S = 2.5
"""How long the end waits for the branches, all together. A source that is not stuck ends after the read in progress."""

_log = logging.getLogger(__name__)


def run_inline(branches: Iterable[AnyBranch], fusion: Fuser) -> Iterator[Estimate]:
    """Every estimate of the recorded signals, in the order of their capture, without a thread or a clock.

    The same signals give the same estimates, at least one. Raises what the sources raise.
    """
    captured_ns, has_estimate = 0, False
    with ExitStack() as open_sources:
        timed = [_timed_readings(branch, open_sources) for branch in branches]
        for captured_ns, reading in heapq.merge(*timed, key=lambda pair: pair[0]):
            # What is read at this very moment is taken in first: a label must not fall for want of it.
            is_late = reading is None or reading.captured_ns < captured_ns
            for estimate in (is_late and fusion.tick(captured_ns), reading and fusion.step(reading)):
                if estimate:
                    has_estimate = True
                    yield estimate
    if not has_estimate and (estimate := fusion.tick(captured_ns + TICK_NS)):
        yield estimate  # a scene shorter than a tick, with nobody in it


def _timed_readings(branch: Branch[Any], open_sources: ExitStack) -> Iterator[tuple[int, Reading | None]]:
    end_ns = 0
    for signal in open_sources.enter_context(branch.open_source()):
        end_ns = signal.captured_ns
        yield end_ns, branch.recognise(signal)
        branch.recognise.follow_up()
    yield end_ns, branch.recognise.finish()


class ThreadedPipeline(AbstractContextManager["ThreadedPipeline"]):
    """The branches on threads. Readings are taken with ``take``; a sensor that is lost is tried again by itself.

    Of a driver that does not answer for ``stuck_after_s`` the branch's state tells; the end does not wait for it.
    An exception that nobody expects ends the whole: ``take`` raises it in the caller's thread.
    """

    def __init__(
        self, branches: Iterable[AnyBranch], *, paused: bool = False, stuck_after_s: float = DRIVER_STUCK_AFTER_S
    ) -> None:
        self._readings: DropOldest[Reading] = DropOldest(READINGS_CAPACITY)
        self._failure: BaseException | None = None
        self._runners: list[BranchRunner[Any]] = [
            BranchRunner(branch, self._readings.put, self._fail, paused=paused, stuck_after_s=stuck_after_s)
            for branch in branches
        ]

    def __enter__(self) -> Self:
        for runner in self._runners:
            runner.start()
        return self

    def __exit__(self, *exc: object) -> None:
        for runner in self._runners:
            runner.stop()
        deadline_s = time.monotonic() + STOP_S
        stuck = [r.name for r in self._runners if not r.join(max(0.0, deadline_s - time.monotonic()))]
        if stuck:
            _log.warning("%s: stuck, and left behind", ", ".join(stuck))

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
    def states(self) -> dict[str, BranchState]:
        """Each branch's state, by its name."""
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
