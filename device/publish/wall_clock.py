"""The time of the world, and whether it can be trusted."""

from __future__ import annotations

import ctypes
import time
from datetime import UTC, datetime
from functools import cache

_TIME_ERROR = 5
"""What adjtimex(2) returns while the kernel's clock is not synchronised."""


def rfc3339(unix_ns: int) -> str:
    """UTC to the millisecond: ``2026-11-21T04:41:42.123Z``."""
    seconds, ns = divmod(unix_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{ns // 1_000_000:03d}Z"


def now_text() -> str:
    """The wall clock, for messages about now."""
    return rfc3339(time.time_ns())


def clock_synced() -> bool | None:
    """Whether the kernel takes its clock for synchronised (adjtimex(2) with nothing to set)."""
    state = _libc().adjtimex(ctypes.create_string_buffer(512))  # struct timex: 208 bytes
    return None if state < 0 else state != _TIME_ERROR


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
