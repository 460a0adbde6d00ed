"""``affectd-server scale-out``: the web page and the API on Ray Serve."""

from __future__ import annotations

import argparse
import logging
import signal
from contextlib import suppress
from importlib.util import find_spec
from types import FrameType

from desktop_server.settings import load_server_settings
from device.errors import ConfigError
from device.monitoring.service import log_handler

_log = logging.getLogger(__name__)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal."""
    settings = load_server_settings(options.config)
    logging.basicConfig(level=settings.log.level.upper(), handlers=[log_handler()])
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    if find_spec("ray") is None:
        raise ConfigError("Ray is not installed; install it with: pip install 'affectd[scale]'")
    from desktop_server.scaling.ray_app import serving

    with suppress(KeyboardInterrupt), serving(settings, cluster=options.cluster):
        signal.signal(signal.SIGTERM, _interrupt)  # Ray has set its own
        _log.info("serving at port %d of %s", settings.server.port, settings.server.host)
        signal.pause()
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
