"""Header timeout: a connection whose request's head does not come, or does not end, is closed (slow-loris attacks)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from desktop_server.http.connection_limits import ConnectionLimits
from desktop_server.http.raw_problem import raw_problem

MAX_HEADER_BYTES = 64 * 1024


class HeaderTimeoutProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a header timeout: it has none of its own for a first request that never gets complete.

    What it refuses itself is answered with a problem document and counted.

    A request's head must be there within the keep-alive time of the connection or of the last answer, and must be
    smaller than 64 KiB.
    """

    _timeout: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def __init__(
        self, *arguments: Any, limits: ConnectionLimits, on_refusal: Callable[[str], None], **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self._limits, self._on_refusal = limits, on_refusal

    @property
    def is_idle(self) -> bool:
        """No request is under way, though the beginning of one may have come."""
        return self.cycle is None or self.cycle.response_complete

    def evict(self) -> None:
        """Close it."""
        self.transport.close()

    def connection_made(self, transport: Any) -> None:
        """Start the timeout."""
        super().connection_made(transport)
        self._start_timeout()
        self._limits.add(self, self._address)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timeout."""
        self._stop_timeout()
        self._limits.remove(self, self._address)
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection to another protocol; streams have a limit of their own."""
        self._limits.remove(self, self._address)
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        """Count what comes while a head is awaited."""
        if self._timeout is None and (self.cycle is None or self.cycle.response_complete):
            self._start_timeout()  # the next request on this connection
        if self._timeout is not None:
            if self._head_bytes > MAX_HEADER_BYTES:  # before this piece, which may have a body behind the head
                self._refuse("too-large", f"a request's head has {MAX_HEADER_BYTES // 1024} KiB at most")
                return
            self._head_bytes += len(data)
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._stop_timeout()
        self._limits.touch(self, self._address)
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP/1.1, in the place of uvicorn's plain text."""
        self._refuse("malformed-request", msg)

    def _refuse(self, code: str, detail: str) -> None:
        self._on_refusal(code)
        self.transport.write(raw_problem(code, detail))
        self.transport.close()

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _start_timeout(self) -> None:
        self._stop_timeout()
        self._head_bytes = 0
        self._timeout = self.loop.call_later(self.timeout_keep_alive, self.transport.close)

    def _stop_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None
