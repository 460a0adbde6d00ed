"""What the node answers to ``self-test``: its own parts, looked at from within while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from device.errors import AffectdError
from device.findings import Finding, look
from device.models.card import verify_file
from device.models.sets import ModelSet
from device.pipeline import LaneState
from device.publish.requests import Unsound
from device.publish.wall_clock import clock_synced


@dataclass(frozen=True, slots=True)
class BrokerState:
    """How the connection is: what stands in its way, and messages that were never sent since the start."""

    problem: str | None
    reconnects: int
    unsent: int


@dataclass(frozen=True, slots=True)
class StoreState:
    """How the event store is: what is wrong with it, events that wait, and events that are lost since the start."""

    problem: str
    waiting: int
    dropped: int


@dataclass(frozen=True)
class SelfTest:
    """Models, sensors, broker, store and clock. It opens nothing: what is in use is asked how it is."""

    models: ModelSet
    lanes: Callable[[], Mapping[str, LaneState]]
    broker: Callable[[], BrokerState]
    store: Callable[[], StoreState]

    def __call__(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        """What was found, by subject. Raises ``Unsound`` with it and every fault in words."""
        findings = list(self._findings())
        notes = {finding.subject: finding.note for finding in findings}
        if faults := [f"{finding.subject}: {finding.note}" for finding in findings if not finding.ok]:
            raise Unsound("; ".join(faults), notes)
        return notes

    def _findings(self) -> Iterator[Finding]:
        yield look("models", self._models)
        for name, lane in self.lanes().items():
            yield _sensor(name, lane)
        yield look("broker", self._broker)
        yield look("store", self._store)
        yield look("clock", require_clock)

    def _models(self) -> str:
        for card in self.models.cards:
            verify_file(card, self.models.folder)
        return ", ".join(card.id for card in self.models.cards)

    def _broker(self) -> str:
        broker = self.broker()
        if broker.problem:
            raise AffectdError(broker.problem)
        return f"connected; reconnected {broker.reconnects} times, {broker.unsent} messages not sent"

    def _store(self) -> str:
        store = self.store()
        if store.problem:
            raise AffectdError(store.problem)
        return f"{store.waiting} events wait, {store.dropped} lost since the start"


def require_clock() -> str:
    """That a time server has set the clock. Raises ``AffectdError`` if none has; unknown is no fault."""
    if clock_synced() is False:
        raise AffectdError(
            "not set by a time server; times in messages are wrong until it is: timedatectl set-ntp true"
        )
    return "set"


def _sensor(name: str, lane: LaneState) -> Finding:
    """One that privacy has closed, or a recording at its end, is as it should be."""
    note = f"{lane.state}: {lane.reason}" if lane.reason else lane.state
    return Finding(name, lane.finished or lane.state in ("online", "disabled"), note)
