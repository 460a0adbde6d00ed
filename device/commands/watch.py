"""``affectd watch``: a live view of what the broker carries."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from device.config.settings_file import chosen_settings
from device.watch.terminal import watch, watch_lines
from device.wiring.broker import broker_address


def run(options: argparse.Namespace) -> int:
    """Watch until ``q`` or Ctrl-C."""
    settings = chosen_settings(options.config)
    address = broker_address(settings)
    address = replace(address, host=options.host or address.host, port=options.port or address.port)
    if options.json:
        watch_lines(address, sys.stdout, prefix=settings.mqtt.prefix)
    else:
        watch(address, prefix=settings.mqtt.prefix)
    return 0
