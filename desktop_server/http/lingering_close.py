"""Lingering close: of a request that is refused early the rest is read and discarded, so that the response arrives.

A connection that is closed with bytes unread is reset, and the client sees neither status nor reason (RFC 9112, 9.6).
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_S = 30.0
IDLE_S = 2.0


class LingeringClose:
    """Sends the answer, then reads what is left of the body: ``most_bytes`` of it, for half a minute at most."""

    def __init__(self, app: ASGIApp, *, most_bytes: int) -> None:
        self._app, self._most_bytes = app, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As every ASGI application."""
        if scope["type"] != "http" or not _has_body(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        is_complete = False

        async def receive_and_track() -> Message:
            nonlocal is_complete
            message = await receive()
            is_complete = is_complete or not message.get("more_body", False)  # nor has the end of the connection any
            return message

        async def answer_first(message: Message) -> None:
            is_last = message["type"] == "http.response.body" and not message.get("more_body", False)
            if is_last and not is_complete:
                await send({**message, "more_body": True})
                await self._discard(receive)
                message = {"type": "http.response.body"}
            await send(message)

        await self._app(scope, receive_and_track, answer_first)

    async def _discard(self, receive: Receive) -> None:
        left = self._most_bytes
        with suppress(TimeoutError):
            async with asyncio.timeout(MAX_S):
                while left > 0:
                    async with asyncio.timeout(IDLE_S):
                        message = await receive()
                    if not message.get("more_body", False):
                        return
                    left -= len(message["body"])


def _has_body(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
