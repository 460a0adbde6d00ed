"""Several requests' samples in one run of a net.

While a net runs, samples gather, and its thread's next run takes all that wait: the more come, the larger the batches
get. Who finds the net idle runs it itself, which spares two changes of threads. ``wait_s`` above 0 has the thread wait
for more even so, which pays on a GPU. The queue is bounded; over the bound the caller is told that the server is busy.
"""

from __future__ import annotations

import threading  # noqa: TID251 - the server's own; the appliance's are elsewhere
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from typing import Protocol, runtime_checkable

import numpy as np

from desktop_server.errors import RequestError
from device.models.card import Card
from device.models.net import FloatArray

Outputs = tuple[FloatArray, ...]
Observe = Callable[[int, float], None]
"""Told of each run: how many samples, how many seconds."""

RETRY_AFTER_S = 1.0
_STOP = None


@runtime_checkable
class ManyAtOnce(Protocol):
    """A net that takes many samples in one run, see ``engine.OnnxNet``."""

    @property
    def card(self) -> Card:
        """What it is."""

    def batch(self, values: FloatArray) -> Outputs:
        """Float32 (n, …) to one float32 (n, …) an output."""


@dataclass(frozen=True, slots=True)
class _Asked:
    values: FloatArray
    answer: Future[Outputs] = field(default_factory=Future)


class BatchingNet:
    """A ``Net`` for many threads. It has a thread of its own until ``close``.

    Its calls raise ``RequestError`` (``busy``) while ``capacity`` of them wait, and what the net raises.
    """

    def __init__(
        self, net: ManyAtOnce, *, size: int, wait_s: float, capacity: int, observe: Observe = lambda _n, _s: None
    ) -> None:
        self.card = net.card
        self._net, self._size, self._wait_s, self._observe = net, size, wait_s, observe
        self._queue: Queue[_Asked | None] = Queue(capacity)
        self._left_over: _Asked | None = None
        self._idle = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"net {net.card.id}", daemon=True)
        self._thread.start()

    def __call__(self, values: FloatArray) -> Outputs:
        """Run the net once, on one sample."""
        return tuple(output[0] for output in self.batch(values.reshape(self.card.input.shape)))

    def batch(self, values: FloatArray) -> Outputs:
        """The samples in one run, alone or with others', or in several of ``size``: float32 (n, …) to (n, …)s."""
        return _in_runs(self._share_run, values, self._size)

    def _share_run(self, values: FloatArray) -> Outputs:
        if not self._wait_s and not self.unanswered and self._idle.acquire(blocking=False):
            try:
                return self._timed(values)
            finally:
                self._idle.release()
        asked = _Asked(values)
        try:
            self._queue.put_nowait(asked)
        except Full:
            raise RequestError(
                "busy", "too many requests wait for the nets; try again later", retry_after_s=RETRY_AFTER_S
            ) from None
        return asked.answer.result()

    @property
    def waiting(self) -> int:
        """Calls in the queue."""
        return self._queue.qsize()

    @property
    def unanswered(self) -> int:
        """Calls in the queue or with the net's thread."""
        return self._queue.unfinished_tasks

    def close(self) -> None:
        """End the thread, once what waits is answered."""
        self._queue.put(_STOP)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._left_over or self._queue.get()) is not _STOP:
            self._left_over = None
            with self._idle:  # what comes until then still gets into this run
                batch = self._with_more(first)
                self._answer(batch)
            for _ in batch:
                self._queue.task_done()

    def _answer(self, batch: list[_Asked]) -> None:
        try:
            outputs = self._timed(np.concatenate([asked.values for asked in batch]))
        except Exception as error:  # it belongs to those who asked
            for asked in batch:
                asked.answer.set_exception(error)
        else:
            _hand_out(batch, outputs)

    def _timed(self, values: FloatArray) -> Outputs:
        start = time.perf_counter()
        outputs = self._net.batch(values)
        self._observe(len(values), time.perf_counter() - start)
        return outputs

    def _with_more(self, first: _Asked) -> list[_Asked]:
        batch, samples = [first], len(first.values)
        until_s = time.monotonic() + self._wait_s
        while samples < self._size and (asked := self._taken(until_s)):
            if samples + len(asked.values) > self._size:
                self._left_over = asked
                break
            batch.append(asked)
            samples += len(asked.values)
        return batch

    def _taken(self, until_s: float) -> _Asked | None:
        """The next that waits, or comes in time. A stop is put back for the next round."""
        try:
            asked = self._queue.get(timeout=until_s - time.monotonic()) if self._wait_s else self._queue.get_nowait()
        except (Empty, ValueError):  # ValueError: the time is over
            return None
        if asked is _STOP:
            self._queue.put(_STOP)
        return asked


def _in_runs(run: Callable[[FloatArray], Outputs], values: FloatArray, size: int) -> Outputs:
    """The outputs of float32 (n, …) samples by one ``run`` after the other, none of more than ``size`` samples."""
    if len(values) <= size:
        return run(values)
    runs = [run(values[at : at + size]) for at in range(0, len(values), size)]
    return tuple(np.concatenate(output) for output in zip(*runs, strict=True))


def _hand_out(batch: list[_Asked], outputs: Outputs) -> None:
    first = 0
    for asked in batch:
        end = first + len(asked.values)
        asked.answer.set_result(tuple(output[first:end] for output in outputs))
        first = end
