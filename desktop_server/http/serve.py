"""uvicorn around the application: address, TLS, time-outs."""

from __future__ import annotations

import socket

import uvicorn
from fastapi import FastAPI

from desktop_server.settings import Server
from device.errors import AffectdError

GRACE_S = 10
"""So long requests may go on after a signal."""


def serve_api(api: FastAPI, server: Server) -> None:
    """Serve until a signal. Raises ``AffectdError`` if the address cannot be used."""
    config = uvicorn.Config(
        api,
        http="httptools",
        ws="websockets-sansio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # else whoever comes through this machine could say to be anybody
        timeout_keep_alive=round(server.idle_s),
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=server.cert_file or None,
        ssl_keyfile=server.key_file or None,
    )
    with _listening(server) as listening:
        uvicorn.Server(config).run(sockets=[listening])


def _listening(server: Server) -> socket.socket:
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    try:
        return socket.create_server((server.host, server.port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        raise AffectdError(f"server: cannot listen on {server.host} port {server.port} ({error})") from error
