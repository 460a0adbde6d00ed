"""``affectd-server node``: a node like any Pi, with float nets."""

from __future__ import annotations

import argparse
import logging

from desktop_server.app import run_node
from desktop_server.settings import load_server_settings
from device.monitoring.service import log_handler
from device.process.library_lines import library_lines_once


def run(options: argparse.Namespace) -> int:
    """Run until a signal or, with recordings, their end."""
    settings = load_server_settings(options.config)
    with library_lines_once():
        logging.basicConfig(level=settings.log.level.upper(), handlers=[log_handler(AFFECTD_NODE=settings.node.id)])
        run_node(settings)
    return 0
