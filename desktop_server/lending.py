"""A few of what only one thread may use at a time, lent to whoever asks first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, LifoQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Lending(Generic[Item]):
    """``count`` items, made at once, so that what is wrong with one is known at the start.

    ``most``: so many there may be in all; those beyond ``count`` are made when all others are lent.
    """

    def __init__(self, make: Callable[[], Item], count: int, most: int = 0) -> None:
        self._make = make
        self._free: LifoQueue[Item] = LifoQueue()
        for _ in range(count):
            self._free.put(make())
        self._unmade: LifoQueue[None] = LifoQueue()
        for _ in range(most - count):
            self._unmade.put(None)

    @contextmanager
    def one(self) -> Iterator[Item]:
        """An item that nobody else has meanwhile; waits until there is one."""
        item = self._taken()
        try:
            yield item
        finally:
            self._free.put(item)

    def _taken(self) -> Item:
        try:
            return self._free.get_nowait()
        except Empty:
            pass
        try:
            self._unmade.get_nowait()
        except Empty:
            return self._free.get()
        return self._make()
