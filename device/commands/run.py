"""``affectd run``: the appliance."""

from __future__ import annotations

import argparse
import logging

from device.app import run as run_appliance
from device.commands.configuration import chosen_settings
from device.service import log_handler


def run(options: argparse.Namespace) -> int:
    """Run until a signal."""
    settings = chosen_settings(options.config)
    logging.basicConfig(level=settings.log.level.upper(), handlers=[log_handler(AFFECTD_NODE=settings.node.id)])
    run_appliance(settings)
    return 0
