"""Stand-ins and helpers that several tests share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self


def eventually(condition: Callable[[], bool], deadline_s: float = 10.0, *, pause_s: float = 0.01) -> None:
    """Wait until the condition holds, asking again after each pause; fail after the deadline."""
    end = time.monotonic() + deadline_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, f"not within {deadline_s} s: {condition}"
        pause.wait(pause_s)


class Recording:
    """A source made of a list. Its iteration ends with the list, or with ``lost`` if that is given."""

    def __init__(self, signals: Iterable[Any], *, lost: Exception | None = None, live: bool = False) -> None:
        self.signals, self._lost, self._live = list(signals), lost, live
        self.opened = self.closed = 0
        self.dropped, self.warning, self.blind, self.is_finite = 0, "", False, not live
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self.opened += 1
        self._ended.clear()
        return self

    def __exit__(self, *exc: object) -> None:
        self.closed += 1

    def __iter__(self) -> Iterator[Any]:
        for signal in self.signals:
            if self._ended.is_set():
                return
            yield signal
        if self._lost is not None:
            raise self._lost
        if self._live:  # a sensor has no end of its own
            self._ended.wait(30)

    def close(self) -> None:
        self._ended.set()
