"""Latest-value source: a slow reader sees the newest signal only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from device.capture.through import Through
from device.stages import Signal, Source
from device.threads.abandonable import AbandonableThread
from device.threads.handover import DropOldest


class LatestOnly(Through[Signal]):
    """A source seen through a hand-over of one: whoever is slow misses older signals, never waits for them.

    The wrapped source is read on a thread of its own. What it raises comes out of the iteration.
    """

    def __init__(self, source: Source[Signal]) -> None:
        super().__init__(source)
        self._newest: DropOldest[Signal] = DropOldest(1)
        self._failure: BaseException | None = None
        self._thread = AbandonableThread(self._pump, name="capture")

    def __enter__(self) -> Self:
        self._source.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._source.close()
        self._thread.join()
        self._source.__exit__(*exc)

    def __iter__(self) -> Iterator[Signal]:
        while not self._newest.finished:
            signal = self._newest.take()
            if signal is not None:
                yield signal
        if self._failure is not None:
            raise self._failure

    @property
    def dropped(self) -> int:
        """Signals that a newer one replaced before they were taken, and those that the source itself lost."""
        return self._newest.dropped + self._source.dropped

    def _pump(self) -> None:
        try:
            for signal in self._source:
                self._newest.put(signal)
        except BaseException as error:
            self._failure = error
        finally:
            self._newest.close()
