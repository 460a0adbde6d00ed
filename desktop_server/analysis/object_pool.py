"""Object pool: a few of what only one thread may use at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, LifoQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")


class ObjectPool(Generic[Item]):
    """``count`` items, made at once, so that what is wrong with one is known at the start.

    ``max_count``: so many there may be in all; those beyond ``count`` are made when all others are in use.
    """

    def __init__(self, make: Callable[[], Item], count: int, max_count: int = 0) -> None:
        self._make = make
        self._free: LifoQueue[Item] = LifoQueue()
        for _ in range(count):
            self._free.put(make())
        self._spare: LifoQueue[None] = LifoQueue()
        for _ in range(max_count - count):
            self._spare.put(None)

    @contextmanager
    def acquire(self) -> Iterator[Item]:
        """An item that nobody else has meanwhile; waits until there is one."""
        item = self._next()
        try:
            yield item
        finally:
            self._free.put(item)

    def _next(self) -> Item:
        try:
            return self._free.get_nowait()
        except Empty:
            pass
        try:
            self._spare.get_nowait()
        except Empty:
            return self._free.get()
        return self._make()
