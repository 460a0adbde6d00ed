"""Re-dating of events that were stored before the clock was set: a Pi has none that runs without power."""

from __future__ import annotations

from device.publish.contract import Json
from device.publish.wall_clock import ClockSetting, rfc3339, unix_ns

_MARK = "stored_by_clock"
"""Only in the store: how a clock stood that no time server had set."""

_SAME_NS = 1_000_000_000
"""A clock that is corrected by less was right: its date stays, since a date is how an event is known again."""


def as_stored(event: Json, clock: ClockSetting) -> Json:
    """The event with what it takes to date it anew, if no time server had set the clock."""
    return event | {_MARK: [clock.boot, clock.booted_unix_ns]} if event["clock_synced"] is False else event


def as_delivered(stored: Json, clock: ClockSetting) -> Json:
    """The event with the dates that the clock gives it now, if it was set since, in the same boot of the machine.

    Raises ``ValueError``, ``TypeError`` or ``LookupError`` for what is no stored event.
    """
    event = {**stored}
    boot, then_unix_ns = event.pop(_MARK, (None, 0))
    if boot != clock.boot:
        return event
    shift_ns = clock.booted_unix_ns - then_unix_ns
    if abs(shift_ns) >= _SAME_NS:
        event |= {name: rfc3339(unix_ns(event[name]) + shift_ns) for name in ("ts", "started_ts")}
    return event | {"clock_synced": clock.synced}
