"""Check of the Python version. Read by whatever Python there is, so it is written for an old one."""

from __future__ import annotations

import platform
import sys

OLDEST = (3, 11)
BITS = 64 if sys.maxsize > 2**32 else 32


def interpreter_fault(version: tuple[int, ...] = sys.version_info[:3], bits: int = BITS) -> str:
    """What is wrong with this Python and the remedy; empty if nothing is."""
    found = f"Python {'.'.join(map(str, version))} ({bits}-bit, on {platform.machine()})"
    if bits < 64:
        # A 32-bit Raspberry Pi OS runs under a 64-bit kernel by default: the machine's name alone says nothing.
        return f"{found}: the models run on 64-bit systems only; write a card with the 64-bit Raspberry Pi OS"
    if version < OLDEST:
        return f"{found}: 3.11 or newer is needed; use Raspberry Pi OS bookworm, Debian 12 or newer"
    return ""
