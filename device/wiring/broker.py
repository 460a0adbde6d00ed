"""From settings to the broker: its address, the node's topics, a connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from device.config.password import read_password
from device.config.settings import MqttSettings, Settings
from device.errors import ConfigError
from device.publish.broker import BrokerAddress, Login, Tls
from device.publish.message import Message
from device.publish.mqtt import MqttClient
from device.publish.topics import Topics


def make_topics(settings: Settings) -> Topics:
    """The node's addresses."""
    return Topics(settings.node.id, settings.mqtt.prefix, settings.mqtt.discovery_prefix)


def broker_address(settings: Settings) -> BrokerAddress:
    """Where the broker is and how to log in. Raises ``ConfigError`` for a password file that cannot be read."""
    mqtt = settings.mqtt
    password = read_password(mqtt)
    if password is not None and not mqtt.username:
        raise ConfigError("mqtt.username = '': a password is set without a user name")
    return BrokerAddress(
        host=mqtt.host,
        port=mqtt.port,
        protocol=mqtt.protocol,
        login=Login(mqtt.username, password or "") if mqtt.username else None,
        tls=_tls(mqtt) if mqtt.tls else None,
    )


def _tls(mqtt: MqttSettings) -> Tls:
    ca, cert, key = (Path(name) if name else None for name in (mqtt.ca_file, mqtt.cert_file, mqtt.key_file))
    return Tls(ca_file=ca, cert_file=cert, key_file=key)


def make_client(
    settings: Settings,
    *,
    client_id: str,
    listening: Sequence[str] = (),
    is_urgent: Callable[[Message], bool] = lambda _: False,
) -> MqttClient:
    """A connection to the settings' broker, not yet open; see there."""
    return MqttClient(broker_address(settings), client_id=client_id, subscriptions=listening, is_urgent=is_urgent)
