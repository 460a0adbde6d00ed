"""``affectd-server run``: the web page and the API."""

from __future__ import annotations

import argparse
import logging

from msgspec.structs import replace

from desktop_server.app import serve
from desktop_server.settings import ServerSettings, load_server_settings
from device.errors import ConfigError
from device.monitoring.service import log_handler


def run(options: argparse.Namespace) -> int:
    """Serve until a signal."""
    settings = _with_options(load_server_settings(options.config), options)
    logging.basicConfig(level=settings.log.level.upper(), handlers=[log_handler()])
    serve(settings)
    return 0


def _with_options(settings: ServerSettings, options: argparse.Namespace) -> ServerSettings:
    server = settings.server
    if options.host is not None:
        server = replace(server, host=options.host)
    if options.port is not None:
        if not 0 <= options.port <= 65535:
            raise ConfigError(f"--port {options.port}: it must be between 0 and 65535")
        server = replace(server, port=options.port)
    return replace(settings, server=server)
