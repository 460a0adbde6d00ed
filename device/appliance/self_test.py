"""The self-test, a request to the node: its own parts, examined from within while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from device.errors import AffectdError
from device.models.card import verify_file
from device.models.sets import ModelSet
from device.monitoring.findings import Finding, look
from device.pipeline.run import BranchState
from device.publish.requests import Unsound
from device.publish.wall_clock import clock_synced


@dataclass(frozen=True, slots=True)
class BrokerState:
    """State of the connection: what stands in its way, and messages that were never sent since the start."""

    problem: str | None
    reconnects: int
    unsent: int


@dataclass(frozen=True, slots=True)
class StoreState:
    """State of the event store: what is wrong with it, events that wait, and events that are lost since the start."""

    problem: str
    waiting: int
    dropped: int


@dataclass(frozen=True)
class SelfTest:
    """Models, sensors, broker, store and clock. It opens nothing: what is in use is asked how it is."""

    models: ModelSet
    branches: Callable[[], Mapping[str, BranchState]]
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
        for name, branch in self.branches().items():
            yield _sensor(name, branch)
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


def _sensor(name: str, branch: BranchState) -> Finding:
    """One that privacy has closed, or a recording at its end, is as it should be."""
    note = f"{branch.state}: {branch.reason}" if branch.reason else branch.state
    return Finding(name, branch.finished or branch.state in ("online", "disabled"), note)
