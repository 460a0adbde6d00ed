"""Bounded queue between threads that drops the oldest: never blocking the producer, counting what it drops."""

from __future__ import annotations

import threading  # noqa: TID251 - one of the three modules that may
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class DropOldest(Generic[T]):
    """A queue of at most ``capacity`` items; putting one more drops the oldest and counts it."""

    def __init__(self, capacity: int) -> None:
        self._items: deque[T] = deque(maxlen=capacity)
        self._changed = threading.Condition()
        self._closed = False
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Items dropped since the start."""
        return self._dropped

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Add an item; never waits."""
        with self._changed:
            if len(self._items) == self._items.maxlen:
                self._dropped += 1
            self._items.append(item)
            self._changed.notify()

    def take(self, timeout_s: float | None = None) -> T | None:
        """The oldest item; ``None`` when the time is over, or when the queue is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, timeout_s)
            return self._items.popleft() if self._items else None

    def close(self) -> None:
        """Wake whoever waits; what is queued can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def finished(self) -> bool:
        """Closed and empty."""
        with self._changed:
            return self._closed and not self._items
