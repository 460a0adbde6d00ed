"""The benchmark's HTTP client, which costs as little as it can: the processors are the server's."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from desktop_server.bench.server import ServerProcess

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """One request's: status, seconds from its sending, and the body that came."""

    status: int
    seconds: float
    body: bytes


def request(path: str, body: bytes, kind: str) -> bytes:
    """A POST, ready to be sent again and again."""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Connection:
    """One, kept open from request to request."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, sent: bytes) -> RequestOutcome:
        """Send a request and wait for its answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._server.host, self._server.port)
        reader, writer = self._streams
        start = time.perf_counter()
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        found = _LENGTH.search(head)
        body = await reader.readexactly(int(found.group(1))) if found else b""
        outcome = RequestOutcome(int(head[9:12]), time.perf_counter() - start, body)
        if b"connection: close" in head.lower():
            self.close()
        return outcome

    def close(self) -> None:
        """End it."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def closed_loop(
    server: ServerProcess, sent: bytes, *, concurrency: int, until: Callable[[int], bool]
) -> list[RequestOutcome]:
    """So many clients, each with its next request once it has its answer; ``until`` sees the number of answers."""
    outcomes: list[RequestOutcome] = []

    async def client() -> None:
        connection = _Connection(server)
        while not until(len(outcomes)):
            outcomes.append(await connection.ask(sent))
        connection.close()

    await asyncio.gather(*(client() for _ in range(concurrency)))
    return outcomes


async def open_loop(server: ServerProcess, sent: bytes, *, rate_hz: float, seconds: float) -> list[RequestOutcome]:
    """Requests at a steady rate, whether answers come or not: as the world asks."""
    free: list[_Connection] = []
    outcomes: list[RequestOutcome] = []

    async def once() -> None:
        connection = free.pop() if free else _Connection(server)
        outcomes.append(await connection.ask(sent))
        free.append(connection)

    start, tasks = time.perf_counter(), []
    for number in range(round(rate_hz * seconds)):
        await asyncio.sleep(max(0.0, start + number / rate_hz - time.perf_counter()))
        tasks.append(asyncio.create_task(once()))
    await asyncio.gather(*tasks)
    for connection in free:
        connection.close()
    return outcomes
