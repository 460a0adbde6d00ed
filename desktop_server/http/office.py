"""Where requests wait for a worker: so many are worked on, so many may wait, the rest are told to come back.

Short work and long work have places of their own: a picture never waits behind films.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from desktop_server.cancellation import Cancellation
from desktop_server.errors import RequestError

RETRY_AFTER_S = 1.0
LONG_AFTER_S = 1.0
"""What takes longer is long work, whatever it was taken for."""

Result = TypeVar("Result")


class Office:
    """``workers`` places for short work and as many for long, and room for ``queue`` more requests.

    Called from the event loop only.
    """

    def __init__(self, *, workers: int, queue: int, long_after_s: float = LONG_AFTER_S) -> None:
        self.places = 2 * workers
        self.capacity = self.places + queue
        self.inside = 0
        self._pool = ThreadPoolExecutor(self.places, thread_name_prefix="worker")
        self._short, self._long = asyncio.Semaphore(workers), asyncio.Semaphore(workers)
        self._long_after_s = long_after_s
        self._under_way: set[Cancellation] = set()

    def require_room(self) -> None:
        """Raises ``RequestError`` while all places are taken: to be asked before a body is read."""
        if self.inside >= self.capacity:
            raise RequestError(
                "busy",
                f"{self.inside} requests are being answered or wait",
                retry_after_s=RETRY_AFTER_S,
            )

    async def do(
        self, work: Callable[[], Result], cancellation: Cancellation | None = None, *, is_long: bool = False
    ) -> Result:
        """What ``work`` gives, done by the next free worker. Raises ``RequestError`` while all places are taken.

        Who gives up waiting cancels; the place is free again when the work has seen that and has ended.
        """
        self.require_room()
        self.inside += 1
        place = self._long if is_long else self._short
        try:
            await place.acquire()
        except asyncio.CancelledError:
            self.inside -= 1
            raise
        job = _Job(self._begun(work), cancellation or Cancellation(), place)
        self._under_way.add(job.cancellation)
        job.result.add_done_callback(lambda _: self._leave(job))
        try:
            if not is_long:
                await self._step_aside(job)
            return await asyncio.shield(job.result)
        except asyncio.CancelledError:
            job.cancellation.cancel()
            raise

    def close(self) -> None:
        """End the workers; what waits or is under way is given up."""
        for cancellation in self._under_way:
            cancellation.cancel()
        self._pool.shutdown(cancel_futures=True)

    def _begun(self, work: Callable[[], Result]) -> asyncio.Future[Result]:
        return asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def _step_aside(self, job: _Job[Result]) -> None:
        """Move what turns out to be long to a place for that, as soon as there is one."""
        await asyncio.wait([job.result], timeout=self._long_after_s)
        if job.result.done():
            return
        moving = asyncio.ensure_future(self._long.acquire())
        moving.add_done_callback(lambda _: self._move(job, moving))
        waiting: list[asyncio.Future[Any]] = [job.result, moving]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            moving.cancel()

    def _move(self, job: _Job[Result], moving: asyncio.Task[Literal[True]]) -> None:
        if moving.cancelled():
            return
        (self._long if job.result.done() else job.place).release()
        job.place = self._long

    def _leave(self, job: _Job[Result]) -> None:
        self.inside -= 1
        self._under_way.discard(job.cancellation)
        job.place.release()
        if not job.result.cancelled():
            job.result.exception()  # seen, also where nobody waits any more


@dataclass(slots=True, eq=False)
class _Job(Generic[Result]):
    """Work that is under way, and the place that it holds."""

    result: asyncio.Future[Result]
    cancellation: Cancellation
    place: asyncio.Semaphore
