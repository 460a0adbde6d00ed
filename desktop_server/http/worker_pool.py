"""The worker pool: a bounded number of threads, a bounded queue before them, and ``busy`` (503) beyond.

Short and long requests have slots of their own: a picture never waits behind films.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from desktop_server.analysis.cancellation import Cancellation
from desktop_server.inference.batching import RETRY_AFTER_S
from desktop_server.schema.problems import RequestError

LONG_AFTER_S = 1.0
"""A request that takes longer is moved to the long ones, whatever was expected of it."""

_Result = TypeVar("_Result")


class WorkerPool:
    """``workers`` slots for short requests and as many for long ones, and a queue of ``queue`` more.

    Called from the event loop only.
    """

    def __init__(self, *, workers: int, queue: int, long_after_s: float = LONG_AFTER_S) -> None:
        self.threads = 2 * workers
        self.capacity = self.threads + queue
        self.in_flight = 0
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="worker")
        self._short, self._long = asyncio.Semaphore(workers), asyncio.Semaphore(workers)
        self._long_after_s = long_after_s
        self._running: set[Cancellation] = set()

    def require_capacity(self) -> None:
        """Raises ``RequestError`` (``busy``) while the queue is full: to be called before a body is read."""
        if self.in_flight >= self.capacity:
            raise RequestError(
                "busy",
                f"{self.in_flight} requests are being answered or wait",
                retry_after_s=RETRY_AFTER_S,
            )

    async def run(
        self, work: Callable[[], _Result], cancellation: Cancellation | None = None, *, is_long: bool = False
    ) -> _Result:
        """The result of ``work`` by the next free thread. Raises ``RequestError`` while the queue is full.

        Cancelling the call cancels the work; the slot is free again when the work has checked that and has ended.
        """
        self.require_capacity()
        self.in_flight += 1
        slot = self._long if is_long else self._short
        try:
            await slot.acquire()
        except asyncio.CancelledError:
            self.in_flight -= 1
            raise
        job = _Job(self._submit(work), cancellation or Cancellation(), slot)
        self._running.add(job.cancellation)
        job.result.add_done_callback(lambda _: self._release(job))
        try:
            if not is_long:
                await self._move_if_slow(job)
            return await asyncio.shield(job.result)
        except asyncio.CancelledError:
            job.cancellation.cancel()
            raise

    def close(self) -> None:
        """End the threads; what is queued or running is cancelled."""
        for cancellation in self._running:
            cancellation.cancel()
        self._pool.shutdown(cancel_futures=True)

    def _submit(self, work: Callable[[], _Result]) -> asyncio.Future[_Result]:
        return asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def _move_if_slow(self, job: _Job[_Result]) -> None:
        """Move a job that turns out to be long to a slot for long ones, as soon as one is free."""
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

    def _move(self, job: _Job[_Result], moving: asyncio.Task[Literal[True]]) -> None:
        if moving.cancelled():
            return
        (self._long if job.result.done() else job.slot).release()
        job.slot = self._long

    def _release(self, job: _Job[_Result]) -> None:
        self.in_flight -= 1
        self._running.discard(job.cancellation)
        job.slot.release()
        if not job.result.cancelled():
            job.result.exception()  # retrieved, also where nobody waits any more


@dataclass(slots=True, eq=False)
class _Job(Generic[_Result]):
    """Work that is running, and the slot that it holds."""

    result: asyncio.Future[_Result]
    cancellation: Cancellation
    slot: asyncio.Semaphore
