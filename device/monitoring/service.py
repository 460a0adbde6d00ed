"""systemd integration: ready, watchdog, stopping, and fields in the journal. Without systemd nothing is imported."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Iterable
from typing import Any

from device.errors import ConfigError

STALLED_AFTER_S = 15.0
"""Work of our own that takes so long is stuck. WatchdogSec=30 leaves as much again before systemd acts."""

_STANDSTILL_NS = 1_000_000_000
"""Longer between two looks, and the main loop itself stood still."""

_FEEDS_PER_PERIOD = 4

_log = logging.getLogger(__name__)


class Progress:
    """When each stage that is at work last moved. One that waits for a sensor is not at work.

    While the whole process stood still (a stopped or starved machine) no stage could move: that time does not count.
    """

    def __init__(self, *, stuck_after_s: float = STALLED_AFTER_S) -> None:
        self._stuck_after_ns = round(stuck_after_s * 1e9)
        self._moved_ns: dict[str, int] = {}
        self._counted_from_ns: dict[str, int] = {}
        self._looked_ns: int | None = None

    def moved(self, stage: str, now_ns: int) -> None:
        """The stage did something; from now on it is enabled."""
        if self._moved_ns.get(stage) != now_ns:
            self._moved_ns[stage] = self._counted_from_ns[stage] = now_ns

    def disable(self, stage: str) -> None:
        """The stage is not at work: it waits for its sensor, privacy is on, or it has ended."""
        self._moved_ns.pop(stage, None)
        self._counted_from_ns.pop(stage, None)

    def stuck(self, now_ns: int) -> list[str]:
        """The enabled stages that should have moved by now; call it several times a second."""
        stood_still_ns = 0 if self._looked_ns is None else max(0, now_ns - self._looked_ns - _STANDSTILL_NS)
        self._looked_ns = now_ns
        for stage, from_ns in self._counted_from_ns.items():
            self._counted_from_ns[stage] = min(now_ns, from_ns + stood_still_ns)
        return sorted(s for s, from_ns in self._counted_from_ns.items() if now_ns - from_ns > self._stuck_after_ns)


class Notifier:
    """Notifications to the service manager; none where there is none.

    Raises ``ConfigError`` if systemd waits for an answer (``NOTIFY_SOCKET``) and systemd-python is not installed.
    """

    def __init__(self) -> None:
        self._daemon = _systemd_module("systemd.daemon")
        period_us = int(os.environ.get("WATCHDOG_USEC") or 0)
        self._feed_gap_ns = period_us * 1000 // _FEEDS_PER_PERIOD
        self._fed_ns: int | None = None
        self._stuck: list[str] = []
        self._status = ""

    def ready(self, status: str) -> None:
        """The appliance does its work from now on."""
        self._status = _one_line(status)
        self._notify(f"READY=1\nSTATUS={self._status}")

    def status(self, text: str) -> None:
        """One line for ``systemctl status``; the same again is not sent."""
        if (line := _one_line(text)) != self._status:
            self._status = line
            self._notify(f"STATUS={line}")

    def stopping(self) -> None:
        """The appliance is about to end, on purpose."""
        self._notify("STOPPING=1\nSTATUS=stopping")

    def feed(self, stuck: Iterable[str], now_ns: int) -> None:
        """Feed the watchdog, unless stages are stuck: then systemd will restart the process when its time is over."""
        stuck = list(stuck)
        if stuck != self._stuck:
            self._stuck = stuck
            self._log_stuck()
        if stuck or not self._feed_gap_ns:
            return
        if self._fed_ns is None or now_ns - self._fed_ns >= self._feed_gap_ns:
            self._fed_ns = now_ns
            self._notify("WATCHDOG=1")

    def _log_stuck(self) -> None:
        if self._stuck:
            _log.error("stuck: %s; the watchdog is not fed until they move", ", ".join(self._stuck))
            self._notify(f"STATUS=stuck: {', '.join(self._stuck)}")
        else:
            _log.warning("everything moves again")
            self._notify(f"STATUS={self._status}")

    def _notify(self, state: str) -> None:
        if self._daemon is not None:
            self._daemon.notify(state)


def log_handler(**fields: str) -> logging.Handler:
    """Where log records go: to the journal with ``fields`` when it listens to us, to standard error otherwise.

    Field names are in capitals, e.g. ``AFFECTD_NODE``.
    """
    if _stderr_is_the_journal() and (journal := _systemd_module("systemd.journal")) is not None:
        handler: logging.Handler = journal.JournalHandler(SYSLOG_IDENTIFIER="affectd", **fields)
        handler.setFormatter(logging.Formatter("%(message)s"))  # time, level and logger are fields of their own
        return handler
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    return handler


def _stderr_is_the_journal() -> bool:
    try:
        status = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _systemd_module(name: str) -> Any | None:
    if "NOTIFY_SOCKET" not in os.environ:
        return None
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            "systemd waits to be notified, but systemd-python is not installed; "
            "run: apt install python3-systemd (or: pip install systemd-python)"
        ) from error


def _one_line(text: str) -> str:
    return " ".join(text.split())
