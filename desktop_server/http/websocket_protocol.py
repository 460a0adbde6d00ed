"""WebSocket protocol: uvicorn's, with a problem document for every handshake that is refused.

A refusal is counted, as any other, and is no line of the log: whoever connects could fill it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from desktop_server.http.raw_problem import raw_problem

_NOT_UTF8 = 1007


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's own answers in plain text, logs refusals of the application as errors, and some bad text as a crash."""

    def __init__(self, *arguments: Any, on_refusal: Callable[[str], None], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._on_refusal = on_refusal

    def data_received(self, data: bytes) -> None:
        """Refuse what is no handshake: uvicorn would neither answer it nor close the connection."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self._refuse("a WebSocket is opened by a GET whose header lines have 8 KiB at most")

    def handle_connect(self, event: Request) -> None:
        """Begin a session, or refuse the handshake."""
        self.handshake_initiated = True
        if self.conn.accept(event).status_code == 101:
            super().handle_connect(event)
        else:
            self._refuse(f"this opens no WebSocket: {self.conn.handshake_exc}")

    async def send(self, message: Any) -> None:
        """A refusal completes the handshake, too."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True

    def send_receive_event_to_app(self) -> None:
        """Pass a message on, unless it is text that is no UTF-8."""
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self.frames = []
            self.conn.send_close(_NOT_UTF8, "text must be UTF-8")
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    def _refuse(self, detail: str) -> None:
        self._on_refusal("malformed-request")
        self.handshake_complete = self.close_sent = True
        self.transport.write(raw_problem("malformed-request", detail))
        self.transport.close()


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
