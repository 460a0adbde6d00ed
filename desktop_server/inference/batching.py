"""Dynamic batching: several requests' samples in one run of a net.

While a net runs, samples gather, and its thread's next run takes all that wait: the more come, the larger the batches
get. A caller that finds the net idle runs it itself, which spares two changes of threads. ``wait_s`` above 0 has the
thread wait for more even so, which pays on a GPU. The queue is bounded; over the bound a call is refused as ``busy``.
"""

from __future__ import annotations

import threading  # noqa: TID251 - the server's own; the appliance's are elsewhere
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from typing import Protocol, runtime_checkable

import numpy as np

from desktop_server.schema.problems import RequestError
from device.arrays import FloatArray
from device.models.card import Card
from device.models.net import one_sample

Outputs = tuple[FloatArray, ...]
Observe = Callable[[int, float], None]
"""Called after each run with the number of samples and the seconds that it took."""

RETRY_AFTER_S = 1.0
_STOP = None


@runtime_checkable
class BatchNet(Protocol):
    """A net that takes many samples in one run, see ``engine.OnnxNet``."""

    @property
    def card(self) -> Card:
        """What it is."""

    def batch(self, *values: FloatArray) -> Outputs:
        """One float32 (n, …) an input to one an output."""


@dataclass(frozen=True, slots=True)
class _Call:
    values: tuple[FloatArray, ...]
    result: Future[Outputs] = field(default_factory=Future)

    @property
    def size(self) -> int:
        """Samples."""
        return len(self.values[0])


class BatchingNet:
    """A ``Net`` for many threads. It has a thread of its own until ``close``.

    Its calls raise ``RequestError`` (``busy``) while ``capacity`` of them wait, and what the net raises.
    """

    def __init__(
        self, net: BatchNet, *, size: int, wait_s: float, capacity: int, observe: Observe = lambda _n, _s: None
    ) -> None:
        self.card = net.card
        self._net, self._size, self._wait_s, self._observe = net, size, wait_s, observe
        self._queue: Queue[_Call | None] = Queue(capacity)
        self._carried_over: _Call | None = None
        self._idle = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"net {net.card.id}", daemon=True)
        self._thread.start()

    def __call__(self, *values: FloatArray) -> Outputs:
        """Run the net once, on one sample."""
        return tuple(output[0] for output in self.batch(*one_sample(self.card, values)))

    def batch(self, *values: FloatArray) -> Outputs:
        """The samples in one run, alone or with others', or in several of ``size``: float32 (n, …)s to (n, …)s."""
        return _in_runs(self._join_batch, values, self._size)

    def _join_batch(self, values: tuple[FloatArray, ...]) -> Outputs:
        if not self._wait_s and not self.pending and self._idle.acquire(blocking=False):
            try:
                return self._timed(values)
            finally:
                self._idle.release()
        call = _Call(values)
        try:
            self._queue.put_nowait(call)
        except Full:
            raise RequestError(
                "busy", "too many requests wait for the nets; try again later", retry_after_s=RETRY_AFTER_S
            ) from None
        return call.result.result()

    @property
    def queued(self) -> int:
        """Calls in the queue."""
        return self._queue.qsize()

    @property
    def pending(self) -> int:
        """Calls in the queue or with the net's thread."""
        return self._queue.unfinished_tasks

    def close(self) -> None:
        """End the thread, once what is queued has run."""
        self._queue.put(_STOP)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._carried_over or self._queue.get()) is not _STOP:
            self._carried_over = None
            with self._idle:  # what comes until then still gets into this run
                batch = self._with_more(first)
                self._run_batch(batch)
            for _ in batch:
                self._queue.task_done()

    def _run_batch(self, batch: list[_Call]) -> None:
        try:
            outputs = self._timed(concatenated([call.values for call in batch]))
        except Exception as error:  # it belongs to the callers
            for call in batch:
                call.result.set_exception(error)
        else:
            _scatter(batch, outputs)

    def _timed(self, values: tuple[FloatArray, ...]) -> Outputs:
        start = time.perf_counter()
        outputs = self._net.batch(*values)
        self._observe(len(values[0]), time.perf_counter() - start)
        return outputs

    def _with_more(self, first: _Call) -> list[_Call]:
        batch, samples = [first], first.size
        until_s = time.monotonic() + self._wait_s
        while samples < self._size and (call := self._next_call(until_s)):
            if samples + call.size > self._size:
                self._carried_over = call
                break
            batch.append(call)
            samples += call.size
        return batch

    def _next_call(self, until_s: float) -> _Call | None:
        """The next that waits, or comes in time. A stop is put back for the next round."""
        try:
            call = self._queue.get(timeout=until_s - time.monotonic()) if self._wait_s else self._queue.get_nowait()
        except (Empty, ValueError):  # ValueError: the time is over
            return None
        if call is _STOP:
            self._queue.put(_STOP)
        return call


def _in_runs(run: Callable[[tuple[FloatArray, ...]], Outputs], values: tuple[FloatArray, ...], size: int) -> Outputs:
    """The outputs of float32 (n, …) samples by one ``run`` after the other, none of more than ``size`` samples."""
    count = len(values[0])
    if count <= size:
        return run(values)
    return concatenated([run(tuple(given[at : at + size] for given in values)) for at in range(0, count, size)])


def concatenated(parts: Sequence[tuple[FloatArray, ...]]) -> tuple[FloatArray, ...]:
    """Samples one after the other, an array an input or an output."""
    return tuple(np.concatenate(each) for each in zip(*parts, strict=True))


def _scatter(batch: list[_Call], outputs: Outputs) -> None:
    first = 0
    for call in batch:
        end = first + call.size
        call.result.set_result(tuple(output[first:end] for output in outputs))
        first = end
