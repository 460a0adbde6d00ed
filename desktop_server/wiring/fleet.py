"""From settings to what is known of other nodes by MQTT."""

from __future__ import annotations

from desktop_server.fleet.listener import FleetListener
from desktop_server.fleet.metrics import FleetMetrics
from desktop_server.fleet.shared_subscription import SharedSubscription
from desktop_server.http.metrics import Metrics
from desktop_server.settings import ServerSettings
from device.config.settings import MqttSettings
from device.wiring.broker import broker_address


def make_listener(settings: ServerSettings) -> FleetListener | None:
    """For the page, unless the settings say otherwise. Raises ``ConfigError``."""
    if not settings.fleet.listen:
        return None
    return FleetListener(
        broker_address(settings), prefix=settings.mqtt.prefix, is_default=settings.mqtt == MqttSettings()
    )


def make_shared_subscription(settings: ServerSettings, metrics: Metrics) -> SharedSubscription | None:
    """For the metrics, where the settings name a group. Raises ``ConfigError``."""
    if not settings.sharing.group:
        return None
    counters = FleetMetrics(metrics.registry, prefix=settings.mqtt.prefix)
    return SharedSubscription(
        broker_address(settings),
        group=settings.sharing.group,
        handle=counters.observe,
        registry=metrics.registry,
        prefix=settings.mqtt.prefix,
    )
