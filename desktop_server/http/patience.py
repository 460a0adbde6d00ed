"""A client that connects and then says nothing, little, or no end of headers, is let go."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from desktop_server.http.connections import Connections

MOST_HEADER_BYTES = 64 * 1024


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's, with an end to its patience: it has none for a first request that never gets complete.

    A request's head must be there within the keep-alive time of the connection or of the last answer, and must be
    smaller than 64 KiB.
    """

    _head: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def __init__(self, *arguments: Any, connections: Connections, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._all = connections

    @property
    def is_idle(self) -> bool:
        """No request is under way, though the beginning of one may have come."""
        return self.cycle is None or self.cycle.response_complete

    def let_go(self) -> None:
        """Close it."""
        self.transport.close()

    def connection_made(self, transport: Any) -> None:
        """Begin to wait."""
        super().connection_made(transport)
        self._await_head()
        self._all.enter(self, self._address)

    def connection_lost(self, exc: Exception | None) -> None:
        """End to wait."""
        self._stop_waiting()
        self._all.leave(self, self._address)
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """From here on another protocol has the connection; there is a bound on streams."""
        self._all.leave(self, self._address)
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        """Count what comes while a head is awaited."""
        if self._head is None and (self.cycle is None or self.cycle.response_complete):
            self._await_head()  # the next request on this connection
        if self._head is not None:
            if self._head_bytes > MOST_HEADER_BYTES:  # before this piece, which may have a body behind the head
                self.transport.close()
                return
            self._head_bytes += len(data)
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._stop_waiting()
        self._all.use(self, self._address)
        super().on_headers_complete()

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _await_head(self) -> None:
        self._stop_waiting()
        self._head_bytes = 0
        self._head = self.loop.call_later(self.timeout_keep_alive, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None
