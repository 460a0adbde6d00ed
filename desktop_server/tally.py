"""What nodes say over MQTT as counters for Prometheus. Counters of several servers add up: each may count its share."""

from __future__ import annotations

import logging
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta
from prometheus_client import CollectorRegistry, Counter, Histogram

from device.publish.message import Message

_log = logging.getLogger(__name__)

MAX_NODES = 4096
"""Each node is some dozen time series; a broker full of invented nodes must not fill the memory."""

_LATENCY_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Around the appliance's budget: half within 45 ms, all but 1 % within 100 ms."""

_MAX_TOLD = 64

Reason = Literal["malformed", "misplaced", "too-many-nodes"]
_Label = Literal["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise", "uncertain", "nobody", "unknown"]
_Node = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}\Z")]


class _Latency(msgspec.Struct, frozen=True):
    capture_to_publish: Annotated[float, Meta(ge=0)] | None


class _Modality(msgspec.Struct, frozen=True):
    present: bool


class _State(msgspec.Struct, frozen=True, tag_field="schema", tag="affectd.state/1"):
    """What is counted of a state."""

    topic: ClassVar = "state"

    node: _Node
    label: _Label
    latency_ms: _Latency
    modalities: dict[Literal["face", "speech"], _Modality]


class _Event(msgspec.Struct, frozen=True, tag_field="schema", tag="affectd.event/1"):
    """What is counted of an event."""

    topic: ClassVar = "event"

    node: _Node
    label: _Label
    kind: Literal["start", "update", "end"]


_READER = msgspec.json.Decoder(_State | _Event)


class Tally:
    """Counts states and events in ``registry``. What is no such message is refused, counted and never raises."""

    def __init__(self, registry: CollectorRegistry, *, prefix: str = "affectd") -> None:
        self._prefix = prefix
        self._nodes: set[str] = set()
        self._told: set[str] = set()
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

    def hear(self, message: Message) -> None:
        """Count one message."""
        try:
            said = _READER.decode(message.payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._refuse(message, "malformed", str(error))
            return
        if message.address != f"{self._prefix}/{said.node}/{said.topic}":
            self._refuse(message, "misplaced", f"node {said.node!r} does not speak there")
        elif not self._knows(said.node):
            self._refuse(message, "too-many-nodes", f"{MAX_NODES} are counted")
        elif isinstance(said, _State):
            self._count_state(said)
        elif said.kind == "start":
            self._episodes.labels(said.node, said.label).inc()

    def _count_state(self, state: _State) -> None:
        self._estimates.labels(state.node, state.label).inc()
        for name, modality in state.modalities.items():
            self._present.labels(state.node, name).inc(modality.present)
        if (latency_ms := state.latency_ms.capture_to_publish) is not None:
            self._latency.labels(state.node).observe(latency_ms / 1000)

    def _knows(self, node: str) -> bool:
        if node not in self._nodes and len(self._nodes) < MAX_NODES:
            self._nodes.add(node)
        return node in self._nodes

    def _refuse(self, message: Message, reason: Reason, detail: str) -> None:
        self._refused.labels(reason).inc()
        if message.address not in self._told and len(self._told) < _MAX_TOLD:  # a flood must not fill the journal
            self._told.add(message.address)
            _log.warning("refused a message at %r (%s); more from there are counted only", message.address, detail)
