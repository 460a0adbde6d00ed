"""Where requests wait for a worker: so many are worked on, so many may wait, the rest are told to come back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from desktop_server.errors import RequestError

RETRY_AFTER_S = 1.0

Result = TypeVar("Result")


class Office:
    """``workers`` threads, and room for ``queue`` more requests. Called from the event loop only."""

    def __init__(self, *, workers: int, queue: int) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="worker")
        self.capacity = workers + queue
        self.inside = 0

    def require_room(self) -> None:
        """Raises ``RequestError`` while all places are taken: to be asked before a body is read."""
        if self.inside >= self.capacity:
            raise RequestError(
                "busy",
                f"{self.inside} requests are being answered or wait",
                retry_after_s=RETRY_AFTER_S,
            )

    async def do(self, work: Callable[[], Result]) -> Result:
        """What ``work`` gives, done by the next free worker. Raises ``RequestError`` while all places are taken."""
        self.require_room()
        self.inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self.inside -= 1

    def close(self) -> None:
        """End the workers; what waits is given up."""
        self._pool.shutdown(cancel_futures=True)
