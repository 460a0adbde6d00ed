"""Worker thread of one branch: opens the source, reads it, and retries with back-off after a loss."""

from __future__ import annotations

import threading  # noqa: TID251 - one of the three modules that may
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic

from device.errors import SourceLost, SourceUnavailable
from device.pipeline.branch_state import PRIVACY, STARTING, BranchState, Phase
from device.readings import Reading
from device.stages import Branch, Signal, Source
from device.threads.abandonable import AbandonableThread

RETRY_S = (1.0, 2.0, 5.0, 10.0)
"""Back-off before a lost sensor is tried again; the last wait repeats."""


class BranchRunner(Generic[Signal]):
    """Worker thread of one branch: opens the source, reads it, and opens it again after a loss or a pause.

    Only the thread notes how the branch is doing. While a driver's call does not return, the branch has this one thread
    and gets no other.
    """

    def __init__(
        self,
        branch: Branch[Signal],
        give: Callable[[Reading], None],
        fail: Callable[[BaseException], None],
        *,
        paused: bool,
        stuck_after_s: float,
    ) -> None:
        self.name = branch.name
        self._noted = BranchState(moved_ns=time.monotonic_ns())
        self._branch, self._give, self._fail = branch, give, fail
        self._wake = threading.Condition()
        self._stopping, self._paused = False, paused
        self._stuck_after_s = stuck_after_s
        self._source: Source[Signal] | None = None
        self._closed_by_us = False
        self._thread = AbandonableThread(self._run, name=branch.name)

    @property
    def state(self) -> BranchState:
        """How the branch is doing now."""
        return self._noted.at(time.monotonic_ns(), self._stuck_after_s)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; whether it has come."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def stop(self) -> None:
        """End soon."""
        with self._wake:
            self._stopping = True
            self._interrupt()

    def pause(self, paused: bool) -> None:
        """Close the source, or open it again."""
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
            while self._wait_until_wanted() and not self._noted.finished:
                seen = self._noted.signals
                try:
                    self._read_source()
                except (SourceUnavailable, SourceLost) as error:
                    if self._branch.required and not self._noted.signals:
                        raise
                    attempt = 0 if self._noted.signals > seen else attempt + 1
                    self._retry_later(str(error), RETRY_S[min(attempt, len(RETRY_S) - 1)])
        except BaseException as error:
            self._fail(error)

    def _wait_until_wanted(self) -> bool:
        with self._wake:
            while self._paused and not self._stopping:
                self._note(state="disabled", reason=PRIVACY, blind=False, phase=Phase.IDLE)
                self._wake.wait()
            return not self._stopping

    def _retry_later(self, reason: str, wait_s: float) -> None:
        self._note(**_lost(reason), restarts=self._noted.restarts + 1, phase=Phase.IDLE)
        with self._wake:
            self._wake.wait_for(lambda: self._unwanted, wait_s)

    def _read_source(self) -> None:
        """Read the source until it ends, is lost (raises) or is closed because it is not wanted.

        It is online with its first signal: one that only opens has shown nothing yet.
        """
        self._note(**_lost(self._noted.reason if self._noted.state == "offline" else STARTING), phase=Phase.OPENING)
        self._closed_by_us = False
        with self._branch.open_source() as source:
            try:
                self._offer_to_close(source)
                self._note(is_finite=source.is_finite)
                self._read(source)
            except SourceLost as error:
                self._note(**_lost(str(error)))  # told before it is closed: that may take long
                raise
            finally:
                self._offer_to_close(None)
                self._note(phase=Phase.CLOSING)
        # Not `_unwanted`: privacy may be over again by now.
        if not self._closed_by_us:
            self._ended(source)

    def _read(self, source: Source[Signal]) -> None:
        dropped_before = self._noted.dropped
        self._note(phase=Phase.READING)
        for signal in source:
            self._refuse_late_signals()
            self._note(signals=self._noted.signals + 1, last_captured_ns=signal.captured_ns, phase=Phase.RECOGNISING)
            reading = None if source.blind else self._branch.recognise(signal)
            self._note(dropped=dropped_before + source.dropped, **_condition(source), phase=Phase.READING)
            self._give_if_any(reading)
            self._branch.recognise.follow_up()
        last_reading = self._branch.recognise.finish()
        if not self._closed_by_us:
            self._give_if_any(last_reading)

    def _refuse_late_signals(self) -> None:
        """What a driver hands out after it was stuck may be as old as that."""
        if self._noted.is_stuck(time.monotonic_ns(), self._stuck_after_s):
            raise SourceLost(f"{self.name}: it was stuck; it is opened anew")

    def _ended(self, source: Source[Signal]) -> None:
        if not source.is_finite:
            raise SourceLost(f"{self.name}: it ended by itself; it is tried again")
        self._note(state="offline", reason="end of recording", finished=True, phase=Phase.IDLE)

    def _offer_to_close(self, source: Source[Signal] | None) -> None:
        """From now on whoever stops or pauses the branch closes this source; at once, if that has happened."""
        with self._wake:
            self._source = source
            self._interrupt()

    def _give_if_any(self, reading: Reading | None) -> None:
        if reading is not None:
            self._give(reading)

    def _note(self, **changes: object) -> None:
        self._noted = replace(self._noted, moved_ns=time.monotonic_ns(), **changes)  # type: ignore[arg-type]


def _condition(source: Source[Any]) -> dict[str, object]:
    warning = source.warning
    return {"state": "degraded" if warning else "online", "reason": warning, "blind": source.blind}


def _lost(reason: str) -> dict[str, object]:
    return {"state": "offline", "reason": reason, "blind": False}
