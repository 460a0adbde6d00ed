"""The configuration in the making: settings and, apart from them, the password, which never stands among them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import msgspec

from device.config.settings import Settings
from device.errors import ConfigError
from device.publish.broker import BrokerAddress, Login, require_usable_broker
from device.publish.topics import Topics
from device.wiring.broker import broker_address

NO_SENSOR = "none"
"""What is said for a camera or a microphone that is not to be used."""
PLAIN_PORT, TLS_PORT = 1883, 8883


@dataclass(frozen=True, slots=True)
class Draft:
    """Settings that are not yet written. ``password`` none: the one that the settings lead to, if any."""

    settings: Settings
    password: str | None = field(default=None, repr=False)

    def change(self, table: str, **entries: Any) -> Draft:
        """The draft with other entries in one of its tables."""
        changed = msgspec.structs.replace(getattr(self.settings, table), **entries)
        return replace(self, settings=msgspec.structs.replace(self.settings, **{table: changed}))

    @property
    def uses_camera(self) -> bool:
        """Whether faces are read."""
        return self.settings.node.mode != "speech"

    @property
    def uses_microphone(self) -> bool:
        """Whether voices are read."""
        return self.settings.node.mode != "face"

    def with_camera(self, source: str) -> Draft:
        """This camera, or ``none``. Raises ``ConfigError`` if nothing would be left to read."""
        used = source != NO_SENSOR
        draft = self.change("node", mode=_mode(used, self.uses_microphone))
        return draft.change("camera", source=source) if used else draft

    def with_turned_camera(self, turn: int) -> Draft:
        """The camera with what it shows now turned clockwise by so many degrees more."""
        camera = self.settings.camera
        return self.change("camera", turn=(camera.turn + (-turn if camera.mirror else turn)) % 360)

    def with_microphone(self, name: str) -> Draft:
        """This microphone, ``""`` for the system's default one, or ``none``. Raises as ``with_camera``."""
        used = name != NO_SENSOR
        draft = self.change("node", mode=_mode(self.uses_camera, used))
        return draft.change("microphone", name=name) if used else draft

    def with_broker(self, text: str) -> Draft:
        """The broker by ``HOST`` or ``HOST:PORT``. Raises ``ConfigError`` for what is neither."""
        host, port = parse_broker(text, TLS_PORT if self.settings.mqtt.tls else PLAIN_PORT)
        return self.change("mqtt", host=host, port=port)

    def address(self) -> BrokerAddress:
        """The broker as these settings reach it, with the new password if there is one. Raises ``ConfigError``."""
        if self.password is None:
            return broker_address(self.settings)
        anonymous = self.change("mqtt", username="", password_file="")
        bare = broker_address(anonymous.settings)
        return replace(bare, login=Login(self.settings.mqtt.username, self.password))


def parse_broker(text: str, port: int) -> tuple[str, int]:
    """Host and port of ``HOST``, ``HOST:PORT`` or ``[IPV6]:PORT``; ``port`` if none is said. Raises ``ConfigError``."""
    try:
        parts = urlsplit(f"//{text.strip()}")
        address = BrokerAddress(host=parts.hostname or "", port=parts.port or port)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no broker ({error}); say HOST or HOST:PORT") from error
    if parts.path or parts.query or parts.username or len(text.split()) != 1:
        raise ConfigError(f"{text!r} is no broker; say HOST or HOST:PORT, without anything before or after")
    require_usable_broker(address)
    return address.host, address.port


def require_node(name: str) -> str:
    """The name, if it can be part of a topic. Raises ``ConfigError``."""
    return Topics(name).node


def _mode(camera: bool, microphone: bool) -> str:
    if not (camera or microphone):
        raise ConfigError("without camera and microphone nothing is left to read emotion from; name one of them")
    return "both" if camera and microphone else "face" if camera else "speech"
