"""A few of what only one thread may use at a time, lent to whoever asks first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import LifoQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Lending(Generic[Item]):
    """``count`` items, made at once, so that what is wrong with one is known at the start."""

    def __init__(self, make: Callable[[], Item], count: int) -> None:
        self._free: LifoQueue[Item] = LifoQueue()
        for _ in range(count):
            self._free.put(make())

    @contextmanager
    def one(self) -> Iterator[Item]:
        """An item that nobody else has meanwhile; waits until there is one."""
        item = self._free.get()
        try:
            yield item
        finally:
            self._free.put(item)
