"""ReadingProgress of reading a recording: how much of it was read, and how long the rest will take."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class ReadingProgress:
    """How far the reading has come. The thread that works writes it, the event loop reads it.

    A recording is read once by each precision that is asked; ``length_s``: its length, 0 where none is known.
    """

    started_s: float | None = None
    length_s: float = 0.0
    passes: int = 1
    _begun: int = 0
    _reached_s: float = 0.0

    def start(self, *, passes: int) -> None:
        """The work begins."""
        self.started_s, self.passes = time.monotonic(), passes

    def begin_pass(self, length_s: float) -> None:
        """One precision begins to read the recording."""
        self.length_s, self._reached_s = length_s, 0.0
        self._begun += 1

    def reach(self, captured_ns: int) -> None:
        """What was captured at this time of the recording was read."""
        self._reached_s = max(self._reached_s, captured_ns / 1e9)

    @property
    def share(self) -> float:
        """Of all passes together, 0…1."""
        if not (self._begun and self.length_s):
            return 0.0
        return min(1.0, (self._begun - 1 + min(1.0, self._reached_s / self.length_s)) / self.passes)

    @property
    def remaining_s(self) -> float | None:
        """If it goes on as fast as until now; ``None`` while nothing was read."""
        share = self.share
        if self.started_s is None or share == 0.0:
            return None
        return (time.monotonic() - self.started_s) * (1 - share) / share
