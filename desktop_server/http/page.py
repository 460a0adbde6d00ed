"""The web page's files, and the headers that keep a browser from doing anything else."""

from __future__ import annotations

from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from desktop_server.http.problems import problem

WEB = Path(__file__).resolve().parents[1] / "web"

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
_NO_STREAM = "there is no WebSocket at this address; /docs lists the addresses"
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Page:
    """What is at no address of the API: a file of the page, or nothing. What is no request goes to ``otherwise``."""

    def __init__(self, otherwise: ASGIApp) -> None:
        self._files, self._otherwise = StaticFiles(directory=WEB, html=True), otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As every ASGI application."""
        if scope["type"] == "websocket":
            await problem("not-found", _NO_STREAM)(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._otherwise(scope, receive, send)
            return
        if scope["method"] not in ("GET", "HEAD") and not self._is_file(scope):
            raise HTTPException(404)
        await self._files(scope, receive, send)

    def _is_file(self, scope: Scope) -> bool:
        path = self._files.get_path(scope)
        return path == "." or self._files.lookup_path(path)[1] is not None


class PageHeaders:
    """Puts the headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As every ASGI application."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
