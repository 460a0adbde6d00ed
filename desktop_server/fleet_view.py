"""From what a node said to what the server tells of it. Pure: the time is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from desktop_server.fleet_answer import (
    FleetNode,
    Heard,
    HeardEstimate,
    HeardHealth,
    HeardInfo,
    HeardStatus,
    NodeState,
    heard,
)
from device.house import STALE_AFTER_S, NodeView

KINDS: Mapping[str, type[Heard]] = {
    "status": HeardStatus,
    "status/camera": HeardStatus,
    "status/microphone": HeardStatus,
    "status/models": HeardStatus,
    "status/store": HeardStatus,
    "info": HeardInfo,
    "state": HeardEstimate,
    "health": HeardHealth,
}
"""What the contract says on each topic below a node."""

_PRIVACY = {"ON": True, "OFF": False}


def node_answer(
    view: NodeView, now_ns: int, *, since_ns: int | None, moment: Callable[[int | None], str | None]
) -> FleetNode:
    """One node. ``since_ns`` is since when it could have been heard, ``None`` while there is no broker.

    ``moment`` writes a monotonic time as text.
    """
    status = heard(HeardStatus, view.said("status"))
    state = node_state(status, view, now_ns, since_ns)
    parts = view if state == "online" else NodeView(view.name)  # the broker keeps what a node said of them when it goes
    holds = state == "online" and _age_s(view.state_ns, now_ns) <= STALE_AFTER_S
    return FleetNode(
        name=view.name[:64],
        state=state,
        boot_id=status.boot_id if status else None,
        last_word_ts=moment(view.alive_ns),
        estimate=heard(HeardEstimate, view.said("state")) if holds else None,
        estimate_ts=moment(view.state_ns),
        camera=heard(HeardStatus, parts.said("status/camera")),
        microphone=heard(HeardStatus, parts.said("status/microphone")),
        models=heard(HeardStatus, parts.said("status/models")),
        store=heard(HeardStatus, parts.said("status/store")),
        privacy=_PRIVACY.get(str(view.said("privacy/state").get("value"))),
        health=heard(HeardHealth, parts.said("health")),
        info=heard(HeardInfo, view.said("info")),
        unreadable=[
            topic for topic, kind in KINDS.items() if view.said(topic) and heard(kind, view.said(topic)) is None
        ],
    )


def node_state(status: HeardStatus | None, view: NodeView, now_ns: int, since_ns: int | None) -> NodeState:
    """What the status says, unless nothing bears it out: a stuck process keeps its connection and its `online`."""
    if since_ns is None or status is None or status.state not in ("online", "stopped", "offline"):
        return "unknown"
    if status.state == "online" and _age_s(max(view.alive_ns or 0, since_ns), now_ns) > STALE_AFTER_S:
        return "silent"
    return status.state


def _age_s(heard_ns: int | None, now_ns: int) -> float:
    return float("inf") if heard_ns is None else (now_ns - heard_ns) / 1e9
