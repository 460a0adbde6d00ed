"""``affectd config``: check or show a configuration, or print its schema."""

from __future__ import annotations

import argparse
import json

from device.app import require_usable_settings
from device.config.settings_file import chosen_settings, schema, to_toml


def run(options: argparse.Namespace) -> int:
    """Say what is in force, or nothing but ``ok``."""
    if options.action == "schema":
        print(json.dumps(schema(), indent=2))
        return 0
    settings = chosen_settings(options.config)
    if options.action == "show":
        print(to_toml(settings))
        return 0
    require_usable_settings(settings)
    print("ok")
    return 0
