"""State of a branch: what its thread notes, and what is published of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

STARTING = "starting"
PRIVACY = "privacy"
NO_PURPOSE = "closed until a purpose is stated"
"""Three reasons that are no fault."""

DRIVER_STUCK_AFTER_S = 10.0
"""A driver that has not answered for so long is stuck: sources say of themselves that they are lost after 3 to 9 s."""


class Phase(StrEnum):
    """Phase of a branch's thread; in the middle three it waits for a driver's answer."""

    IDLE = "idle"
    OPENING = "opened"
    READING = "read"
    CLOSING = "closed"
    RECOGNISING = "recognising"


@dataclass(frozen=True, slots=True)
class BranchState:
    """State of a branch, for status and health.

    ``state`` is ``online``, ``degraded``, ``offline`` or ``disabled`` (by the privacy switch), with a reason in words;
    ``moved_ns`` is the monotonic time at which it last got anywhere; a recording may have nothing to show for long.
    ``blind``: signals come, but what they show must not be believed (a frozen or black picture, a stuck sensor).
    """

    state: str = "offline"
    reason: str = STARTING
    signals: int = 0
    dropped: int = 0
    restarts: int = 0
    last_captured_ns: int = 0
    moved_ns: int = 0
    is_finite: bool = False
    finished: bool = False
    blind: bool = False
    phase: Phase = Phase.IDLE

    @property
    def perceives(self) -> bool:
        """Whether what comes from it, or that nothing comes from it, tells of the world."""
        return self.state in ("online", "degraded") and not self.blind and not self.finished

    def at(self, now_ns: int, stuck_after_s: float = DRIVER_STUCK_AFTER_S) -> BranchState:
        """What is to be told at a moment: of a driver that does not answer the waiting thread can note nothing."""
        if not self.is_stuck(now_ns, stuck_after_s):
            return self
        if self.phase is Phase.OPENING and self.state == "offline" and self.reason != STARTING:
            return self  # why it failed the last time has been told, and is as true
        reason = f"stuck: no answer for {stuck_after_s:g} s while it is {self.phase}; {_REMEDIES[self.phase]}"
        return replace(self, state="degraded", reason=reason, blind=True)

    def is_stuck(self, now_ns: int, stuck_after_s: float) -> bool:
        """Whether the driver has not answered for long. A recording has none."""
        is_late = now_ns - self.moved_ns > stuck_after_s * 1e9
        return is_late and self.phase in _REMEDIES and not self.is_finite


_REMEDIES = {
    Phase.OPENING: "check its cable, or its address and the network's name server",
    Phase.READING: "check its cable, the network or the sound server",
    Phase.CLOSING: "it is opened again as soon as its driver answers; if it never does, restart affectd",
}
