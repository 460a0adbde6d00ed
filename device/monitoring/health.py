"""NodeHealth of the machine and this process: numbers, null where a machine does not tell."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_VCGENCMD_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class SystemHealth:
    """The machine and this process; the four flags are bits 0, 2, 16 and 18 of a Raspberry Pi's ``get_throttled``."""

    uptime_s: float
    memory_rss_bytes: int
    memory_peak_bytes: int
    load_1min: float
    soc_temperature_celsius: float | None = None
    undervoltage_now: bool | None = None
    throttled_now: bool | None = None
    undervoltage_occurred: bool | None = None
    throttled_occurred: bool | None = None


@dataclass(frozen=True, slots=True)
class NodeHealth:
    """Content of the health message; ``dropped``, ``queued`` and ``restarts`` are by the name of the part."""

    system: SystemHealth
    frame_rate_hz: float | None
    dropped: Mapping[str, int]
    queued: Mapping[str, int]
    restarts: Mapping[str, int]


class SystemProbe:
    """Probe of the machine. ``sys_root`` and ``proc_root`` are /sys and /proc, elsewhere in a test."""

    def __init__(
        self,
        *,
        sys_root: Path = Path("/sys"),
        proc_root: Path = Path("/proc"),
        vcgencmd: str | None = shutil.which("vcgencmd"),
    ) -> None:
        self._sys, self._proc, self._vcgencmd = sys_root, proc_root, vcgencmd
        self._started_ns = time.monotonic_ns()

    def read(self) -> SystemHealth:
        """The figures of now; never raises for what a machine does not have."""
        bits = self._throttle_bits()
        return SystemHealth(
            uptime_s=(time.monotonic_ns() - self._started_ns) / 1e9,
            memory_rss_bytes=self._memory_rss_bytes(),
            memory_peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            load_1min=os.getloadavg()[0],
            soc_temperature_celsius=self._temperature(),
            undervoltage_now=_bit(bits, 0),
            throttled_now=_bit(bits, 2),
            undervoltage_occurred=_bit(bits, 16),
            throttled_occurred=_bit(bits, 18),
        )

    def hardware(self) -> str:
        """What the board calls itself, such as ``Raspberry Pi 4 Model B Rev 1.5``; empty where no firmware tells."""
        return (_text(self._proc / "device-tree/model") or "").rstrip("\0")

    def _memory_rss_bytes(self) -> int:
        pages = (self._proc / "self/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def _temperature(self) -> float | None:
        for zone in sorted((self._sys / "class/thermal").glob("thermal_zone*")):
            kind, millidegrees = _text(zone / "type"), _text(zone / "temp")
            if kind and millidegrees and any(word in kind for word in ("cpu", "soc", "x86_pkg")):
                return int(millidegrees) / 1000
        return None

    def _throttle_bits(self) -> int | None:
        # Raspberry Pi kernels offer the firmware's word as a file; where one does not, vcgencmd asks the firmware.
        for path in sorted((self._sys / "devices/platform").glob("*/*firmware/get_throttled")):
            if word := _text(path):
                return int(word, 16)
        return self._ask_firmware() if self._vcgencmd else None

    def _ask_firmware(self) -> int | None:
        try:
            answer = subprocess.run(
                [str(self._vcgencmd), "get_throttled"],
                capture_output=True, text=True, timeout=_VCGENCMD_TIMEOUT_S, check=True,
            ).stdout  # fmt: skip
            return int(answer.partition("=")[2], 16)
        except (OSError, subprocess.SubprocessError, ValueError):
            return None


class RateMeter:
    """A rate from a growing count, over the time between two looks that are ``least_s`` apart or more."""

    def __init__(self, *, least_s: float = 1.0) -> None:
        self._least_ns = round(least_s * 1e9)
        self._last: tuple[int, int] | None = None
        self._rate_hz: float | None = None

    def step(self, count: int, now_ns: int) -> float | None:
        """Items a second since the last look; ``None`` at the first. A look that comes too early repeats the last."""
        if self._last is None:
            self._last = count, now_ns
        elif now_ns - self._last[1] >= self._least_ns:
            self._rate_hz = (count - self._last[0]) * 1e9 / (now_ns - self._last[1])
            self._last = count, now_ns
        return self._rate_hz

    def reset(self) -> None:
        """Nothing is counted now."""
        self._last = self._rate_hz = None


def _bit(bits: int | None, number: int) -> bool | None:
    return None if bits is None else bool(bits >> number & 1)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
