"""Threads for calls that may never return: those of drivers and of the system's name resolution.

Nothing ends such a thread. It is waited for a while and then left behind, and the process ends around it.
"""

from __future__ import annotations

import logging
import os
import sys
import threading  # noqa: TID251 - one of the three modules that may
from collections.abc import Callable
from contextlib import suppress


class AbandonableThread(threading.Thread):
    """A thread that the process's end does not wait for."""

    def __init__(self, work: Callable[[], object], *, name: str) -> None:
        super().__init__(target=work, name=name, daemon=True)


def within(seconds: float, work: Callable[[], object], *, name: str) -> bool:
    """Do the work, but wait for its end only so long; whether it has ended. What it raises is lost."""
    thread = AbandonableThread(work, name=name)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def left_behind() -> list[str]:
    """The names of the threads that still run, though nobody waits for them any more."""
    return [thread.name for thread in threading.enumerate() if isinstance(thread, AbandonableThread)]


def end_process(code: int) -> int:
    """The exit code, for who is about to end the process with it; ends it at once while threads are left behind.

    Python's own way out asks libraries to clean up, PortAudio for one, and those wait for what is stuck.
    """
    if left_behind():
        logging.shutdown()
        with suppress(OSError, ValueError):  # whoever read it has gone
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    return code
