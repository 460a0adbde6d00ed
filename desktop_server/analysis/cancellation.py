"""Cancellation, deadline and stopwatch of one request: whether its work goes on, and where its time goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from desktop_server.analysis.progress import ReadingProgress
from desktop_server.schema.problems import RequestError


@dataclass(slots=True, eq=False)
class Cancellation:
    """A flag that the event loop sets and the thread that works checks."""

    is_cancelled: bool = False

    def cancel(self) -> None:
        """Nobody waits for the response any more."""
        self.is_cancelled = True

    def check(self) -> None:
        """Raises ``RequestError`` (``client-gone``) once it is cancelled."""
        if self.is_cancelled:
            raise RequestError("client-gone", "the connection ended before the answer was there")


@dataclass(slots=True)
class Stopwatch:
    """Seconds of a request by stage. ``deadline_s``: seconds of the monotonic clock after which it is given up."""

    deadline_s: float
    cancellation: Cancellation = field(default_factory=Cancellation)
    stages: dict[str, float] = field(default_factory=dict)
    progress: ReadingProgress = field(default_factory=ReadingProgress)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what is done inside."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.stages[name] = self.stages.get(name, 0.0) + time.perf_counter() - start

    def check(self) -> None:
        """Raises ``RequestError`` after the deadline, or once nobody waits for the response."""
        self.cancellation.check()
        if time.monotonic() > self.deadline_s:
            raise RequestError("too-much-work", "this took too long to read; send less at once")
