"""Fleet metrics: the nodes' states and events as Prometheus counters. Those of several servers add up."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Literal

import msgspec
from prometheus_client import CollectorRegistry, Counter, Histogram

from device.publish.contract import Event, State
from device.publish.message import Message

_log = logging.getLogger(__name__)

MAX_NODES = 4096
"""Each node is some dozen time series; a broker full of invented nodes must not fill the memory."""

_LATENCY_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Around the appliance's budget: half within 45 ms, all but 1 % within 100 ms."""

_MAX_LOGGED = 64

Reason = Literal["malformed", "misplaced", "too-many-nodes"]
_TOPICS: Mapping[type[State | Event], str] = {State: "state", Event: "event"}
_DECODER = msgspec.json.Decoder(State | Event)


class FleetMetrics:
    """Counts states and events in ``registry``. What is no such message is refused, counted and never raises."""

    def __init__(self, registry: CollectorRegistry, *, prefix: str = "affectd") -> None:
        self._prefix = prefix
        self._nodes: set[str] = set()
        self._logged: set[str] = set()
        self._estimates = Counter(
            "affectd_fleet_estimates",
            "States that nodes sent, by what they said.",
            ["node", "label"],
            registry=registry,
        )
        self._present = Counter(
            "affectd_fleet_present", "States in which a modality was there.", ["node", "modality"], registry=registry
        )
        self._latency = Histogram(
            "affectd_fleet_capture_to_publish_seconds", "From the sensor to the node's message.", ["node"],
            buckets=_LATENCY_S, registry=registry,
        )  # fmt: skip
        self._episodes = Counter(
            "affectd_fleet_episodes", "Episodes of an emotion that began.", ["node", "label"], registry=registry
        )
        self._refused = Counter(
            "affectd_fleet_refused", "Messages that are none of the contract's.", ["reason"], registry=registry
        )

    def observe(self, message: Message) -> None:
        """Count one message."""
        try:
            payload = _DECODER.decode(message.payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._refuse(message, "malformed", str(error))
            return
        if message.address != f"{self._prefix}/{payload.node}/{_TOPICS[type(payload)]}":
            self._refuse(message, "misplaced", f"node {payload.node!r} does not publish there")
        elif not self._is_counted(payload.node):
            self._refuse(message, "too-many-nodes", f"{MAX_NODES} are counted")
        elif isinstance(payload, State):
            self._count_state(payload)
        elif payload.kind == "start":
            self._episodes.labels(payload.node, payload.label).inc()

    def _count_state(self, state: State) -> None:
        self._estimates.labels(state.node, state.label).inc()
        for name, modality in state.modalities.items():
            self._present.labels(state.node, name).inc(modality.present)
        if (latency_ms := state.latency_ms.capture_to_publish) is not None:
            self._latency.labels(state.node).observe(latency_ms / 1000)

    def _is_counted(self, node: str) -> bool:
        if node not in self._nodes and len(self._nodes) < MAX_NODES:
            self._nodes.add(node)
        return node in self._nodes

    def _refuse(self, message: Message, reason: Reason, detail: str) -> None:
        self._refused.labels(reason).inc()
        if message.address not in self._logged and len(self._logged) < _MAX_LOGGED:  # a flood must not fill the journal
            self._logged.add(message.address)
            _log.warning("refused a message at %r (%s); more from there are counted only", message.address, detail)
