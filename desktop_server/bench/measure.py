"""Measurements of the server: latency of one request at a time, throughput, overload, memory."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from desktop_server.bench.client import RequestOutcome, closed_loop, open_loop
from desktop_server.bench.server import ServerProcess
from device.bench.statistics import Interval, median_ratio
from device.errors import AffectdError

CONCURRENCIES = (1, 2, 4, 8, 16, 32, 64)
_WARM_UP = 50
MEMORY_STEP = 100
"""Requests between two looks at the memory."""


@dataclass(frozen=True, slots=True)
class Alone:
    """One request at a time. ``server_ms`` is the server's own time by its answers, at p50, p95 and p99.

    ``cpu_ms`` is the processor's time of a request, all threads together; ``client_ms`` what the client waits, p50.
    """

    requests: int
    server_ms: tuple[float, float, float]
    stages_ms: dict[str, float]
    cpu_ms: float
    client_ms: float


@dataclass(frozen=True, slots=True)
class Throughput:
    """So many clients at once; latencies as a client waits, p50 and p99."""

    concurrency: int
    per_s: float
    latency_ms: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Overload:
    """Twice the server's capacity is offered. ``latency_ms``: of the answered ones, p50, p99 and at most."""

    offered_per_s: float
    capacity_per_s: float
    answered_per_s: float
    share_refused: float
    latency_ms: tuple[float, float, float]
    statuses: dict[str, int]


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory along many requests, decoders and all; the slope is of the second half, the peak what was seen."""

    requests: int
    resident_mib: list[float]
    step_requests: int
    slope_kib_per_1000: float
    peak_mib: float


def measure_alone(server: ServerProcess, sent: bytes, requests: int) -> Alone:
    """One request at a time, after a warm-up."""
    _asked(server, sent, 1, _WARM_UP)
    cpu_s = server.cpu_s()
    outcomes = _asked(server, sent, 1, requests)
    cpu_s = server.cpu_s() - cpu_s
    timings = [json.loads(outcome.body)["timings_ms"] for outcome in _all_answered(outcomes)]
    stages = {name: [t[name] for t in timings if t[name] is not None] for name in timings[0]}
    return Alone(
        requests=len(outcomes),
        server_ms=_percentiles([t["total"] for t in timings], 50, 95, 99),  # type: ignore[arg-type]
        stages_ms={name: float(np.median(values)) for name, values in stages.items() if values},
        cpu_ms=1000 * cpu_s / len(outcomes),
        client_ms=1000 * float(np.median([outcome.seconds for outcome in outcomes])),
    )


def throughput(server: ServerProcess, sent: bytes, seconds: float) -> list[Throughput]:
    """At each concurrency for so long."""
    return [_throughput(server, sent, concurrency, seconds) for concurrency in CONCURRENCIES]


def gain(server: ServerProcess, sent: bytes, seconds: float, *, many: int = 32, rounds: int = 4) -> Interval:
    """How many times the throughput of one client that of many is, in turns A B B A; a 95 % bootstrap interval."""
    rates: dict[int, list[list[float]]] = {1: [], many: []}
    for number in range(rounds):
        for concurrency in (1, many) if number % 2 == 0 else (many, 1):
            rates[concurrency].append([_throughput(server, sent, concurrency, seconds).per_s])
    return median_ratio(rates[many], rates[1])


def overload(server: ServerProcess, sent: bytes, seconds: float, *, clients: int = 32) -> Overload:
    """Twice the throughput of so many clients, offered at a steady rate."""
    capacity = _throughput(server, sent, clients, seconds / 2).per_s
    outcomes = asyncio.run(open_loop(server, sent, rate_hz=2 * capacity, seconds=seconds))
    answered = [outcome for outcome in outcomes if outcome.status == 200]
    return Overload(
        offered_per_s=2 * capacity,
        capacity_per_s=capacity,
        answered_per_s=len(answered) / seconds,
        share_refused=1 - len(answered) / len(outcomes),
        latency_ms=_percentiles([1000 * o.seconds for o in answered], 50, 99, 100),  # type: ignore[arg-type]
        statuses={str(status): count for status, count in Counter(o.status for o in outcomes).items()},
    )


def memory(server: ServerProcess, sent: Sequence[bytes], requests: int) -> Memory:
    """Along so many requests, of each kind in turn, eight at a time."""
    resident = [server.resident_bytes()]
    for number in range(requests // MEMORY_STEP):
        _all_answered(_asked(server, sent[number % len(sent)], 8, MEMORY_STEP))
        resident.append(server.resident_bytes())
    half = np.array(resident[len(resident) // 2 :]) / 1024
    slope = float(np.polyfit(np.arange(len(half)) * MEMORY_STEP / 1000, half, 1)[0])
    mib = [round(value / 2**20, 2) for value in resident]
    return Memory(requests, mib, MEMORY_STEP, slope, max(mib))


def _throughput(server: ServerProcess, sent: bytes, concurrency: int, seconds: float) -> Throughput:
    _asked(server, sent, concurrency, 2 * concurrency)
    start = time.perf_counter()
    outcomes = _all_answered(_run(server, sent, concurrency, lambda _: time.perf_counter() - start > seconds))
    elapsed = time.perf_counter() - start
    latencies = _percentiles([1000 * outcome.seconds for outcome in outcomes], 50, 99)
    return Throughput(concurrency, len(outcomes) / elapsed, latencies)  # type: ignore[arg-type]


def _asked(server: ServerProcess, sent: bytes, concurrency: int, requests: int) -> list[RequestOutcome]:
    return _run(server, sent, concurrency, lambda answered: answered >= requests)


def _run(server: ServerProcess, sent: bytes, concurrency: int, until: Callable[[int], bool]) -> list[RequestOutcome]:
    return asyncio.run(closed_loop(server, sent, concurrency=concurrency, until=until))


def _all_answered(outcomes: list[RequestOutcome]) -> list[RequestOutcome]:
    if refused := [outcome for outcome in outcomes if outcome.status != 200]:
        raise AffectdError(f"the server refused a request of the benchmark: {refused[0].body.decode()}")
    return outcomes


def _percentiles(values: Sequence[float], *percents: float) -> tuple[float, ...]:
    return tuple(float(value) for value in np.percentile(values, percents))
