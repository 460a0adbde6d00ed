"""Registry of the nodes on a broker: the last message of every topic, by the contract, and when it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from device.publish import contract
from device.publish.decode import decode
from device.publish.message import Message
from device.publish.requests import requested_privacy
from device.publish.topics import PART_TOPICS

STALE_AFTER_S = 30.0
"""Three heartbeats of ``state``: what is older is no longer true."""

TYPES: Mapping[str, type[contract.Payload]] = {
    "status": contract.Status,
    **{f"status/{part}": contract.PartStatus for part in PART_TOPICS},
    "info": contract.Info,
    "state": contract.State,
    "health": contract.Health,
}
"""The type of what a node publishes, by the topic below it. Of other topics nothing is kept."""

_PRIVACY = "privacy/state"
_MAX_NODES = 64

_Payload = TypeVar("_Payload", bound=contract.Payload)


@dataclass(frozen=True, slots=True)
class NodeView:
    """View of one node. ``topics`` holds the last payload by topic below the node, ``None`` where it is unreadable.

    ``privacy`` is true while its user has camera and microphone closed. ``alive_ns`` is when it last published
    something itself: a retained message is no sign of life.
    """

    name: str
    topics: Mapping[str, contract.Payload | None] = field(default_factory=dict)
    privacy: bool | None = None
    state_ns: int | None = None
    alive_ns: int | None = None

    @property
    def status(self) -> contract.Status | None:
        """The node's own status."""
        return self._last("status", contract.Status)

    @property
    def state(self) -> contract.State | None:
        """The last estimate."""
        return self._last("state", contract.State)

    @property
    def health(self) -> contract.Health | None:
        """The last health."""
        return self._last("health", contract.Health)

    @property
    def info(self) -> contract.Info | None:
        """Versions and models."""
        return self._last("info", contract.Info)

    def part(self, name: str) -> contract.PartStatus | None:
        """The status of one of ``PART_TOPICS``."""
        return self._last(f"status/{name}", contract.PartStatus)

    @property
    def unreadable(self) -> list[str]:
        """Topics on which the node publishes what the contract does not know, in the order of ``TYPES``."""
        return [topic for topic in TYPES if topic in self.topics and self.topics[topic] is None]

    def _last(self, topic: str, kind: type[_Payload]) -> _Payload | None:
        payload = self.topics.get(topic)
        return payload if isinstance(payload, kind) else None


class NodeRegistry:
    """All nodes below one prefix. Whatever strangers publish there is ignored or named unreadable, and never raises."""

    def __init__(self, prefix: str) -> None:
        self._stem = prefix + "/"
        self.nodes: dict[str, NodeView] = {}

    def update(self, message: Message, now_ns: int) -> None:
        """Take one message."""
        name, _, topic = message.address.removeprefix(self._stem).partition("/")
        if not topic or (name not in self.nodes and len(self.nodes) >= _MAX_NODES):
            return
        view = self.nodes.get(name, NodeView(name))
        payload = decode(TYPES[topic], message.payload) if topic in TYPES else None
        status = payload if isinstance(payload, contract.Status) else None
        if _is_of_an_older_life(status, view.status):
            return
        self.nodes[name] = replace(
            view,
            topics={**view.topics, topic: payload} if topic in TYPES else view.topics,
            privacy=requested_privacy(message.payload) if topic == _PRIVACY else view.privacy,
            state_ns=now_ns if topic == "state" else view.state_ns,
            alive_ns=view.alive_ns if message.retain or not _is_the_nodes_own(topic, status) else now_ns,
        )


def _is_of_an_older_life(status: contract.Status | None, known: contract.Status | None) -> bool:
    """A last will that comes late: since then the node has started anew, with another ``boot_id``."""
    if status is None or known is None:
        return False
    return known.state == "online" and status.state == "offline" and status.boot_id != known.boot_id


def _is_the_nodes_own(topic: str, status: contract.Status | None) -> bool:
    """Requests come from others, and ``offline`` from the broker."""
    from_others = topic.startswith("request/") or topic == "privacy/set"
    return not from_others and not (status is not None and status.state == "offline")
