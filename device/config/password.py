"""The broker's password: never in the configuration itself."""

from __future__ import annotations

import os
from pathlib import Path

from device.config.settings import MqttSettings
from device.errors import ConfigError

STORED_PASSWORD = Path("/etc/credstore/affectd.mqtt-password")
"""Where the service's unit takes it from."""


def read_password(mqtt: MqttSettings, *, stored: Path = STORED_PASSWORD) -> str | None:
    """The broker's password from its file, systemd's credential or what that is made from, which root may read.

    Raises ``ConfigError`` if a named file fails.
    """
    path = _password_file(mqtt, stored)
    if path is None:
        return None
    try:
        # A blank may be part of it. Empty is what the unit sets where there is none: so systemd does not miss it aloud.
        return path.read_text(encoding="utf-8-sig").rstrip("\r\n") or None
    except PermissionError as error:
        raise ConfigError(
            f"mqtt.password_file: {path} may not be read by this user; run it as one who may, as by sudo -u affectd"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"mqtt.password_file: cannot read {path} ({error})") from error


def _password_file(mqtt: MqttSettings, stored: Path) -> Path | None:
    if mqtt.password_file:
        return Path(mqtt.password_file)
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    found = Path(credentials) / "mqtt-password" if credentials else stored
    is_meant = credentials or mqtt.username  # what is stored for the service is of no use to who needs no login
    return found if is_meant and os.access(found, os.R_OK) else None
