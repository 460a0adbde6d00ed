"""What a reader of the broker knows of each node: the last of every topic, and when it was heard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from device.publish.message import Message

STALE_AFTER_S = 30.0
"""Three heartbeats of ``state``: what is older is no longer true."""

_MAX_NODES = 64


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node. ``topics`` holds the last payload by topic below the node.

    ``alive_ns`` is when it last said something itself: a retained message is no sign of life.
    """

    name: str
    topics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    state_ns: int | None = None
    alive_ns: int | None = None

    def said(self, topic: str) -> Mapping[str, Any]:
        """The last payload of ``topic``, empty if there is none."""
        return self.topics.get(topic, {})


class House:
    """All nodes below one prefix. Whatever strangers publish there, it is ignored or shown, and never raises."""

    def __init__(self, prefix: str) -> None:
        self._stem = prefix + "/"
        self.nodes: dict[str, NodeView] = {}

    def hear(self, message: Message, now_ns: int) -> None:
        """Take one message."""
        name, _, topic = message.address.removeprefix(self._stem).partition("/")
        payload = _payload(message.payload)
        if not topic or payload is None or (name not in self.nodes and len(self.nodes) >= _MAX_NODES):
            return
        view = self.nodes.get(name, NodeView(name))
        if topic == "status" and _is_of_an_older_life(payload, view.said("status")):
            return
        self.nodes[name] = replace(
            view,
            topics={**view.topics, topic: payload},
            state_ns=now_ns if topic == "state" else view.state_ns,
            alive_ns=view.alive_ns if message.retain or not _is_the_nodes_own(topic, payload) else now_ns,
        )


def _is_of_an_older_life(payload: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """A last will that comes late: since then the node has started anew, with another ``boot_id``."""
    lives_on = known.get("state") == "online" and payload.get("state") == "offline"
    return lives_on and payload.get("boot_id") != known.get("boot_id")


def _payload(raw: bytes) -> Mapping[str, Any] | None:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = raw.decode(errors="replace")[:80]  # ON and OFF are no JSON
    return value if isinstance(value, dict) else {"value": value}


def _is_the_nodes_own(topic: str, payload: Mapping[str, Any]) -> bool:
    """Requests come from others, and ``offline`` from the broker."""
    from_others = topic.startswith("request/") or topic == "privacy/set"
    return not from_others and not (topic == "status" and payload.get("state") == "offline")
