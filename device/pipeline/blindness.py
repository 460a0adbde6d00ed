"""Blindness: whether any sensor can be believed, and why none can."""

from __future__ import annotations

import re
from collections.abc import Mapping

from device.pipeline.branch_state import NO_PURPOSE, PRIVACY, STARTING, BranchState

_END_OF_THE_FACT = re.compile("[:;]")
"""What follows in a branch's reason is detail and remedy."""

_FIRST = (NO_PURPOSE, PRIVACY, STARTING)
"""Reasons that hold for all sensors, or for the moment; one of them says more than what is wrong with each."""


def blindness(branches: Mapping[str, BranchState], *, nothing_read: bool = False) -> str | None:
    """Why no sensor tells of the world, ``None`` while one does; a recording that is at its end is not asked.

    ``privacy`` while the switch closes one, ``starting`` while one may still open, else what is wrong with each, in
    short: ``camera lost, microphone: stuck``. ``nothing_read``: since the start or the last blindness; then one sensor
    is not enough while the other is starting: a quiet room is not an empty one.
    """
    asked = {name: branch for name, branch in branches.items() if not branch.finished}
    if not asked or any(branch.perceives for branch in asked.values()):
        return STARTING if nothing_read and any(map(_is_starting, asked.values())) else None
    reasons = [_what_is_wrong(name, branch) for name, branch in asked.items()]
    return next((first for first in _FIRST if first in reasons), ", ".join(reasons))


def in_short(name: str, reason: str) -> str:
    """What is wrong with a sensor without detail and remedy: ``camera: the picture has not changed for 10 s``."""
    return f"{name}: {_END_OF_THE_FACT.split(reason)[0]}"


def _is_starting(branch: BranchState) -> bool:
    return branch.state == "offline" and branch.reason == STARTING


def _what_is_wrong(name: str, branch: BranchState) -> str:
    if branch.blind:
        return in_short(name, branch.reason)
    fact = _END_OF_THE_FACT.split(branch.reason)[0]
    return fact if fact in _FIRST else f"{name} lost"
