"""Which configuration a command works with."""

from __future__ import annotations

from pathlib import Path

from device.config.settings import DEFAULT_CONFIG, Settings
from device.config.settings_file import load_settings


def chosen_settings(path: Path | None) -> Settings:
    """The file that was named, else the installed one, else the defaults. Raises ``ConfigError``."""
    if path is None and not DEFAULT_CONFIG.exists():
        return Settings()
    return load_settings(path or DEFAULT_CONFIG)
