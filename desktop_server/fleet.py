"""Listens to the house's nodes as ``affectd watch`` does, for whoever looks at the server's page."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from desktop_server.fleet_answer import Broker, FleetAnswer
from desktop_server.fleet_view import node_answer
from device.house import House
from device.publish.broker import BrokerAddress
from device.publish.mqtt import Link
from device.publish.wall_clock import rfc3339

_STEP_S = 0.25
"""How often what has come in is looked at: often enough to be called live, and few enough events for a phone."""

_INBOX = 4096  # the house's 64 nodes at their highest rate, 10 Hz, for several steps
_LISTENS_TO = ("status/#", "info", "state", "health", "privacy/state")


class Fleet:
    """What the nodes below ``prefix`` last said. A context manager: it is connected while it is open.

    ``is_default``: nobody has said that there is a broker at ``address``.

    Somebody must run ``listen`` as a task meanwhile. Raises ``ConfigError`` for an address that cannot be used.
    """

    def __init__(self, address: BrokerAddress, *, prefix: str = "affectd", is_default: bool = False) -> None:
        self._address, self._is_default = str(address), is_default
        self._link = Link(
            address,
            client_id=f"affectd-fleet-{uuid.uuid4().hex[:8]}",
            subscriptions=[f"{prefix}/+/{topic}" for topic in _LISTENS_TO],
            inbox_capacity=_INBOX,
        )
        self._house = House(prefix)
        self._connected_ns = time.monotonic_ns()
        self._epoch_ns = time.time_ns() - time.monotonic_ns()  # fixed, so that a moment is always written the same

    def __enter__(self) -> Self:
        self._link.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.close()

    async def listen(self) -> None:
        """Take in what nodes say, until cancelled."""
        while True:
            self._take_in(time.monotonic_ns())
            await asyncio.sleep(_STEP_S)

    def seen(self) -> FleetAnswer:
        """The fleet as it is known now."""
        now_ns = time.monotonic_ns()
        since_ns = self._connected_ns if self._link.connected else None
        views = [self._house.nodes[name] for name in sorted(self._house.nodes)]
        nodes = [node_answer(view, now_ns, since_ns=since_ns, moment=self._moment) for view in views]
        return FleetAnswer(ts=self._moment(now_ns) or "", broker=self._broker(), nodes=nodes)

    async def changes(self) -> AsyncIterator[FleetAnswer]:
        """The fleet now, and again whenever something about it is different."""
        last = None
        while True:
            seen = self.seen()
            if last is None or (seen.broker, seen.nodes) != (last.broker, last.nodes):
                yield seen
            last = seen
            await asyncio.sleep(_STEP_S)

    def _take_in(self, now_ns: int) -> None:
        while (connected := self._link.connections.take(0)) is not None:
            self._connected_ns = now_ns if connected else self._connected_ns
        while (message := self._link.inbox.take(0)) is not None:
            self._house.hear(message, now_ns)

    def _broker(self) -> Broker:
        connected = self._link.connected
        problem = None if connected else self._link.problem or "connecting to the broker …"
        return Broker(address=self._address, is_default=self._is_default, connected=connected, problem=problem)

    def _moment(self, monotonic_ns: int | None) -> str | None:
        return None if monotonic_ns is None else rfc3339(self._epoch_ns + monotonic_ns)
