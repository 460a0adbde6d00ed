"""One of many servers that share what the nodes say: the broker gives each message to one server of a group.

MQTT 5, section 4.8.2: a subscription to ``$share/<group>/<filter>`` is the group's, and the broker chooses who of it
gets a message. Who leaves or dies gets none any more. Nodes send numbers only, and so nothing else is shared: no
picture, no sound and no features of either goes this way, in no direction (``docs/scaling.md`` says why).
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
from device.publish.mqtt import Link

TOPICS = ("state", "event")
"""What is worked on one by one. Who needs all of a node's messages (the fleet view) must subscribe for itself."""

_STEP_S = 0.1
_INBOX = 8192  # a thousand nodes that change at once, and twice the time that a busy server may take to look
_AT_ONCE = 512
_GROUP = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class SharedLoad:
    """Hands each message of the group's that this server gets to ``handle``. It is connected while it is open.

    Somebody must run ``work`` as a task meanwhile. Raises ``ConfigError`` for what cannot be shared.
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
        _require_sharable(address, group)
        self._handle = handle
        self._link = Link(
            address,
            client_id=f"affectd-share-{uuid.uuid4().hex[:8]}",
            subscriptions=[f"$share/{group}/{prefix}/+/{topic}" for topic in TOPICS],
            inbox_capacity=_INBOX,
        )
        self._dropped = Counter(
            "affectd_fleet_dropped", "Messages that came faster than they were handled.", registry=registry
        )
        self._told_dropped = 0
        connected = Gauge("affectd_fleet_connected", "Whether the broker is there.", registry=registry)
        connected.set_function(lambda: self._link.connected)

    def __enter__(self) -> Self:
        self._link.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.close()
        while self.take_in():  # what the broker gave us it gives nobody else
            pass

    @property
    def waiting(self) -> int:
        """Messages that came and are not yet handled."""
        return len(self._link.inbox)

    async def work(self) -> None:
        """Handle what comes, until cancelled."""
        while True:
            await asyncio.sleep(0 if self.take_in() == _AT_ONCE else _STEP_S)

    def take_in(self) -> int:
        """Handle what waits, a limited number at once, and say how many."""
        self._dropped.inc(self._link.inbox.dropped - self._told_dropped)
        self._told_dropped = self._link.inbox.dropped
        for count in range(_AT_ONCE):
            message = self._link.inbox.take(0)
            if message is None:
                return count
            self._handle(message)
        return _AT_ONCE


def _require_sharable(address: BrokerAddress, group: str) -> None:
    if not _GROUP.fullmatch(group):
        raise ConfigError(f"group {group!r} cannot be shared in; use 1 to 64 letters, digits, '_' or '-'")
    if address.protocol != "5":
        raise ConfigError(f'mqtt.protocol {address.protocol!r} has no shared subscriptions; use "5"')
