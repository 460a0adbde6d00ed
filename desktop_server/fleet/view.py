"""The view of one node: its last messages to what the server publishes of it. Pure: the time is given."""

from __future__ import annotations

from collections.abc import Callable

from desktop_server.schema.fleet import FleetNode, SeenNodeState
from device.watch.node_registry import STALE_AFTER_S, NodeView


def fleet_node(
    view: NodeView, now_ns: int, *, since_ns: int | None, timestamp: Callable[[int | None], str | None]
) -> FleetNode:
    """One node. ``since_ns`` is since when it could have been heard, ``None`` while there is no broker.

    ``timestamp`` writes a monotonic time as text.
    """
    state = node_state(view, now_ns, since_ns)
    current = view if state == "online" else NodeView(view.name)  # retained topics outlive the node
    holds = state == "online" and _age_s(view.state_ns, now_ns) <= STALE_AFTER_S
    return FleetNode(
        name=view.name[:64],
        state=state,
        boot_id=view.status.boot_id if view.status else None,
        last_word_ts=timestamp(view.alive_ns),
        estimate=view.state if holds else None,
        estimate_ts=timestamp(view.state_ns),
        camera=current.part("camera"),
        microphone=current.part("microphone"),
        models=current.part("models"),
        store=current.part("store"),
        privacy=view.privacy,
        health=current.health,
        info=view.info,
        unreadable=view.unreadable,
    )


def node_state(view: NodeView, now_ns: int, since_ns: int | None) -> SeenNodeState:
    """The status, unless nothing bears it out: a stuck process keeps its connection and its `online`."""
    if since_ns is None or view.status is None:
        return "unknown"
    if view.status.state == "online" and _age_s(max(view.alive_ns or 0, since_ns), now_ns) > STALE_AFTER_S:
        return "silent"
    return view.status.state


def _age_s(received_ns: int | None, now_ns: int) -> float:
    return float("inf") if received_ns is None else (now_ns - received_ns) / 1e9
