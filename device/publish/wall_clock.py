"""Wall clock, and whether it is synchronised."""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

_TIME_ERROR = 5
"""What adjtimex(2) returns while the kernel's clock is not synchronised."""


_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class ClockSetting:
    """Setting of the machine's clock: the time of the world at which the machine booted, if the clock is right.

    Whoever sets the clock changes ``booted_unix_ns``; time and sleep do not. ``boot`` names the machine's boot.
    """

    boot: str
    booted_unix_ns: int
    synced: bool | None


def clock_setting() -> ClockSetting:
    """The setting of now."""
    booted_unix_ns = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return ClockSetting(_boot(), booted_unix_ns, clock_synced())


def unix_ns(text: str) -> int:
    """Of what ``rfc3339`` wrote. Raises ``ValueError``."""
    seconds, _, rest = text.partition(".")
    return round(datetime.fromisoformat(f"{seconds}+00:00").timestamp()) * 1_000_000_000 + int(rest[:3]) * 1_000_000


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
def _boot() -> str:
    return _BOOT_ID.read_text(encoding="ascii").strip()


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
