"""Stand-ins and helpers that several tests share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def eventually(condition: Callable[[], bool], deadline_s: float = 10.0) -> None:
    """Wait until the condition holds; fail after the deadline."""
    end = time.monotonic() + deadline_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, f"not within {deadline_s} s: {condition}"
        pause.wait(0.01)
