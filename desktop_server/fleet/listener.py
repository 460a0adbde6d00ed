"""The fleet listener: what the nodes last published, for the server's page, as ``affectd watch`` has it."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from desktop_server.fleet.view import fleet_node
from desktop_server.schema.fleet import Broker, FleetResponse
from device.publish.broker import BrokerAddress
from device.publish.mqtt import MqttClient
from device.publish.wall_clock import rfc3339
from device.watch.node_registry import NodeRegistry

_STEP_S = 0.25
"""How often what has come in is looked at: often enough to be called live, and few enough events for a phone."""

_INBOX = 4096  # the nodes's 64 nodes at their highest rate, 10 Hz, for several steps
_BATCH = 512
_TOPICS = ("status/#", "info", "state", "health", "privacy/state")


class FleetListener:
    """What the nodes below ``prefix`` last published. A context manager: it is connected while it is open.

    ``is_default``: no setting says that there is a broker at ``address``.

    Its ``run`` must be a task meanwhile. Raises ``ConfigError`` for an address that cannot be used.
    """

    def __init__(self, address: BrokerAddress, *, prefix: str = "affectd", is_default: bool = False) -> None:
        self._address, self._is_default = str(address), is_default
        self._client = MqttClient(
            address,
            client_id=f"affectd-fleet-{uuid.uuid4().hex[:8]}",
            subscriptions=[f"{prefix}/+/{topic}" for topic in _TOPICS],
            inbox_capacity=_INBOX,
        )
        self._nodes = NodeRegistry(prefix)
        self._connected_ns = time.monotonic_ns()
        self._epoch_ns = time.time_ns() - time.monotonic_ns()  # fixed, so that a time is always written the same

    def __enter__(self) -> Self:
        self._client.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    async def run(self) -> None:
        """Process what the nodes publish, until cancelled."""
        while True:
            await asyncio.sleep(0 if self.drain(time.monotonic_ns()) == _BATCH else _STEP_S)

    def snapshot(self) -> FleetResponse:
        """The fleet as it is known now."""
        now_ns = time.monotonic_ns()
        since_ns = self._connected_ns if self._client.connected else None
        views = [self._nodes.nodes[name] for name in sorted(self._nodes.nodes)]
        nodes = [fleet_node(view, now_ns, since_ns=since_ns, timestamp=self._timestamp) for view in views]
        return FleetResponse(ts=self._timestamp(now_ns) or "", broker=self._broker(), nodes=nodes)

    async def changes(self) -> AsyncIterator[FleetResponse]:
        """The fleet now, and again whenever something about it is different."""
        last = None
        while True:
            current = self.snapshot()
            if last is None or (current.broker, current.nodes) != (last.broker, last.nodes):
                yield current
            last = current
            await asyncio.sleep(_STEP_S)

    def drain(self, now_ns: int) -> int:
        """Process what is queued, a limited number at once: requests are answered meanwhile. Returns how many."""
        while (connected := self._client.connections.take(0)) is not None:
            self._connected_ns = now_ns if connected else self._connected_ns
        for count in range(_BATCH):
            message = self._client.inbox.take(0)
            if message is None:
                return count
            self._nodes.update(message, now_ns)
        return _BATCH

    def _broker(self) -> Broker:
        connected = self._client.connected
        problem = None if connected else self._client.problem or "connecting to the broker …"
        return Broker(address=self._address, is_default=self._is_default, connected=connected, problem=problem)

    def _timestamp(self, monotonic_ns: int | None) -> str | None:
        return None if monotonic_ns is None else rfc3339(self._epoch_ns + monotonic_ns)
