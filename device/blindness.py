"""Whether any sensor tells of the world, and why none does."""

from __future__ import annotations

import re
from collections.abc import Mapping

from device.lane_state import NO_PURPOSE, PRIVACY, STARTING, LaneState

_END_OF_THE_FACT = re.compile("[:;]")
"""What follows in a lane's reason is detail and remedy."""

_FIRST = (NO_PURPOSE, PRIVACY, STARTING)
"""Reasons that hold for all sensors, or for the moment; one of them says more than what is wrong with each."""


def blindness(lanes: Mapping[str, LaneState]) -> str | None:
    """Why no sensor tells of the world, ``None`` while one does; a recording that is at its end is not asked.

    ``privacy`` while the switch closes one, ``starting`` while one may still open, else what is wrong with each, in
    short: ``camera lost, microphone: stuck``.
    """
    asked = {name: lane for name, lane in lanes.items() if not lane.finished}
    if not asked or any(lane.perceives for lane in asked.values()):
        return None
    reasons = [_what_is_wrong(name, lane) for name, lane in asked.items()]
    return next((first for first in _FIRST if first in reasons), ", ".join(reasons))


def in_short(name: str, reason: str) -> str:
    """What is wrong with a sensor without detail and remedy: ``camera: the picture has not changed for 10 s``."""
    return f"{name}: {_END_OF_THE_FACT.split(reason)[0]}"


def _what_is_wrong(name: str, lane: LaneState) -> str:
    if lane.blind:
        return in_short(name, lane.reason)
    fact = _END_OF_THE_FACT.split(lane.reason)[0]
    return fact if fact in _FIRST else f"{name} lost"
