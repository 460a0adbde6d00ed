"""A program in a terminal of its own, and somebody who types."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from processes import started

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Terminal:
    """What is on the screen is ``seen``, without colours; ``expect`` looks only at what came since it last found."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process, self._master = process, master
        self.seen, self._found = "", 0

    def expect(self, text: str, deadline_s: float = 20.0) -> None:
        end = time.monotonic() + deadline_s
        while (position := self.seen.find(text, self._found)) < 0:
            assert self._read(end - time.monotonic()), f"no {text!r} in {self.seen[self._found :]!r}"
        self._found = position + len(text)

    def type(self, text: str) -> None:
        """A line, with Enter."""
        os.write(self._master, text.encode() + b"\r")

    def answer(self, question: str, text: str) -> None:
        self.expect(question)
        self.type(text)

    def interrupted(self) -> int:
        """The exit code after Ctrl-C, as the terminal makes a signal of it.

        Typed again where nothing is said for long: a signal that comes in the instant before CPython waits for a line
        is heard only with what is typed next. Not sooner, as a second one would kill a program that is ending.
        """
        for _ in range(3):
            before = len(self.seen)
            os.write(self._master, b"\x03")
            end = time.monotonic() + 10.0
            while time.monotonic() < end:
                if not self._read(end - time.monotonic()) and self.process.poll() is not None:
                    return self.ends()
                if self.seen[before:].replace("^C", "").strip():
                    return self.ends()
        raise AssertionError(f"Ctrl-C was not heard: {self.seen!r}")

    def ends(self) -> int:
        """Everything that is still said, and the exit code."""
        while self._read(20.0):
            pass
        return self.process.wait(20)

    def _read(self, timeout_s: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, timeout_s))
        try:
            data = os.read(self._master, 65536) if ready else b""
        except OSError:  # the other end is closed
            data = b""
        self.seen += _CONTROL.sub("", data.decode(errors="replace"))
        return bool(data)


@contextmanager
def terminal(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    """``affectd`` in a terminal wide enough for a line of it; setsid makes the terminal its own, as ssh does."""
    master, slave = pty.openpty()
    command = ["setsid", "--ctty", "--wait", sys.executable, "-m", "device", *map(str, arguments)]
    wide = {"TERM": "xterm", "COLUMNS": "300", "LINES": "50"}
    env = {**os.environ, **wide, **(environment or {})}
    with started(command, stdin=slave, stdout=slave, stderr=slave, env=env) as process:
        os.close(slave)
        try:
            yield Terminal(process, master)
        finally:
            os.close(master)
