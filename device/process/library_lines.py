"""Capture of what C libraries write to standard error: into the log, each fact once.

ALSA says a dozen lines whenever devices are looked for, a JPEG or PNG decoder one for each spoiled picture: a sensor
that is tried again each ten seconds would fill the journal with them.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from device.threads.abandonable import AbandonableThread

_MAX_FACTS = 256
"""Remembered; a library that finds ever new words is cut short."""
_VARYING = re.compile(r"0x[0-9a-f]+|\d+")
_READER_END_S = 1.0

_log = logging.getLogger("libraries")


@contextmanager
def library_lines_once() -> Iterator[None]:
    """While this lasts, file descriptor 2 leads to the log; ``sys.stderr`` and crash reports go where it led before.

    To be entered before the log's handlers are made. A line that differs in numbers only is no new one.
    """
    before, stderr = os.dup(2), sys.stderr
    reading, writing = os.pipe()
    os.dup2(writing, 2)
    os.close(writing)
    reader = AbandonableThread(lambda: _log_lines(reading), name="library lines")
    reader.start()
    sys.stderr = os.fdopen(before, "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    faulthandler.enable(sys.stderr)
    try:
        yield
    finally:
        faulthandler.disable()
        os.dup2(before, 2)  # over the pipe's last writer: its reader comes to the end
        reader.join(_READER_END_S)
        sys.stderr = stderr  # the other one stays open: the log's handlers write to it


def _log_lines(reading: int) -> None:
    told: set[str] = set()
    with os.fdopen(reading, encoding="utf-8", errors="backslashreplace") as lines:
        for line in lines:
            fact = _VARYING.sub("#", line.strip())
            if fact and fact not in told and len(told) < _MAX_FACTS:
                told.add(fact)
                _log.info("%s", line.strip())
