"""A shared subscription: of many servers in a group, the broker sends each of the nodes' messages to one.

MQTT 5, section 4.8.2: a subscription to ``$share/<group>/<filter>`` is the group's, and the broker chooses which member
gets a message. A member that leaves or dies gets none any more. Nodes publish numbers only, and so nothing else is
shared: no picture, no sound and no features of either, in no direction (``docs/scaling.md`` says why).
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry, Counter, Gauge

from device.errors import ConfigError
from device.publish.broker import BrokerAddress
from device.publish.message import Message
from device.publish.mqtt import MqttClient

TOPICS = ("state", "event")
"""Topics whose messages are processed one by one. The fleet view needs all of a node's, so it subscribes for itself."""

_STEP_S = 0.1
_INBOX_CAPACITY = (
    8192  # a thousand nodes that change at once, and twice the time that a busy server may take to drain it
)
_BATCH = 512
_GROUP = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class SharedSubscription:
    """Passes each message that this member of the group gets to ``handle``. It is connected while it is open.

    Its ``run`` must be a task meanwhile. Raises ``ConfigError`` for what cannot be shared.
    """

    def __init__(
        self,
        address: BrokerAddress,
        *,
        group: str,
        handle: Callable[[Message], None],
        registry: CollectorRegistry,
        prefix: str = "affectd",
    ) -> None:
        _require_shareable(address, group)
        self._handle = handle
        self._client = MqttClient(
            address,
            client_id=f"affectd-share-{uuid.uuid4().hex[:8]}",
            subscriptions=[f"$share/{group}/{prefix}/+/{topic}" for topic in TOPICS],
            inbox_capacity=_INBOX_CAPACITY,
        )
        self._dropped = Counter(
            "affectd_fleet_dropped", "Messages that came faster than they were handled.", registry=registry
        )
        self._counted_dropped = 0
        connected = Gauge("affectd_fleet_connected", "Whether the broker is there.", registry=registry)
        connected.set_function(lambda: self._client.connected)

    def __enter__(self) -> Self:
        self._client.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        while self.drain():  # the broker sends it to no other member
            pass

    @property
    def queued(self) -> int:
        """Messages that came and are not yet handled."""
        return len(self._client.inbox)

    async def run(self) -> None:
        """Handle what comes, until cancelled."""
        while True:
            await asyncio.sleep(0 if self.drain() == _BATCH else _STEP_S)

    def drain(self) -> int:
        """Handle what is queued, a limited number at once, and return how many."""
        self._dropped.inc(self._client.inbox.dropped - self._counted_dropped)
        self._counted_dropped = self._client.inbox.dropped
        for count in range(_BATCH):
            message = self._client.inbox.take(0)
            if message is None:
                return count
            self._handle(message)
        return _BATCH


def _require_shareable(address: BrokerAddress, group: str) -> None:
    if not _GROUP.fullmatch(group):
        raise ConfigError(f"group {group!r} cannot be shared in; use 1 to 64 letters, digits, '_' or '-'")
    if address.protocol != "5":
        raise ConfigError(f'mqtt.protocol {address.protocol!r} has no shared subscriptions; use "5"')
