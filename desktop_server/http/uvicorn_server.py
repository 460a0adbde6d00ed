"""uvicorn around the application: address, TLS, time-outs."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from functools import partial

import uvicorn
from fastapi import FastAPI

from desktop_server.http.connection_limits import ConnectionLimits, max_connections
from desktop_server.http.header_timeout import HeaderTimeoutProtocol
from desktop_server.http.websocket_protocol import WebSocketProtocol
from desktop_server.settings import Server
from device.errors import AffectdError, ConfigError
from device.monitoring.service import Notifier

_MAX_MESSAGE_BYTES = 4 * 2**20
"""Of a live stream: a picture."""
GRACE_S = 3
"""So long requests may go on after a signal."""

_log = logging.getLogger(__name__)


class NotifyingServer(uvicorn.Server):
    """uvicorn's, which notifies the service manager when it serves, and feeds its watchdog."""

    def __init__(self, config: uvicorn.Config, notifier: Notifier, address: str) -> None:
        super().__init__(config)
        self._notifier, self._address = notifier, address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """From here on requests are answered."""
        await super().startup(sockets)
        if self.started:
            self._notifier.ready(f"serving at {self._address}")

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second. (uvicorn's own ``callback_notify`` would stop when the clock is set back.)"""
        self._notifier.feed([], time.monotonic_ns())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Requests that are under way may still be finished."""
        self._notifier.stopping()
        await super().shutdown(sockets)


def serve_api(api: FastAPI, server: Server, notifier: Notifier) -> None:
    """Serve until a signal. Raises ``AffectdError`` if the address cannot be used."""
    limits = ConnectionLimits(per_address=server.connections, total=max_connections())
    count_refusal = api.state.deps.metrics.count_refusal
    config = uvicorn.Config(
        api,
        http=partial(HeaderTimeoutProtocol, limits=limits, on_refusal=count_refusal),  # type: ignore[arg-type]  # called as the class is
        ws=partial(WebSocketProtocol, on_refusal=count_refusal),  # type: ignore[arg-type]  # as http
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # else whoever comes through this machine could say to be anybody
        ws_max_size=_MAX_MESSAGE_BYTES,
        timeout_keep_alive=round(server.idle_s),
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=server.cert_file or None,
        ssl_keyfile=server.key_file or None,
    )
    # Its infos are of who connects, which is nobody's business, its warnings of who sends what is no HTTP.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    with listening(server) as opened:
        host, port = opened.getsockname()[:2]
        address = f"{'https' if server.cert_file else 'http'}://{host}:{port}"
        _log.info("serving at %s", address)
        NotifyingServer(config, notifier, address).run(sockets=[opened])


def require_usable_tls(server: Server) -> None:
    """Raises ``ConfigError`` for a certificate and key that cannot be used."""
    if bool(server.cert_file) != bool(server.key_file):
        raise ConfigError("server.cert_file and server.key_file: TLS needs both")
    if not server.cert_file:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(server.cert_file, server.key_file)
    except (OSError, ssl.SSLError) as error:
        files = f"{server.cert_file} and {server.key_file}"
        raise ConfigError(
            f"server.cert_file, server.key_file: cannot use {files} ({error.strerror or error})"
        ) from error


def listening(server: Server) -> socket.socket:
    """A socket that listens at the address. Raises ``AffectdError`` if it cannot be had."""
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    try:
        return socket.create_server((server.host, server.port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        raise AffectdError(f"server: cannot listen on {server.host} port {server.port} ({error})") from error
