"""Programs that tests start. Each has an end that kills, and heeds Ctrl-C wherever the tests themselves run."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Command = Sequence[Any]  # of texts and paths, which mypy would not take side by side


def heed_signals() -> None:
    """What these tests start takes signals as usual.

    A shell starts what runs in the background with Ctrl-C ignored, `nohup` with the hang-up, and what is ignored is
    inherited. A handler is not: here the signal stays without effect, and a child begins with the default.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def run(command: Command, *, timeout_s: float = 120.0, **options: Any) -> subprocess.CompletedProcess[str]:
    """A program to its end and what it said; after ``timeout_s`` it is killed and the test fails."""
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, **options)


@contextmanager
def started(command: Command, *, patience_s: float = 30.0, **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """A program while the test lasts; then it is asked to end and, after ``patience_s``, killed, and the test fails."""
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.terminate()
        end(process, patience_s)


def line(process: subprocess.Popen[str], timeout_s: float = 60.0) -> str:
    """The next line of its output; empty if there is none, and it is killed, after ``timeout_s``."""
    assert process.stdout is not None
    killing = threading.Timer(timeout_s, process.kill)
    killing.start()
    try:
        return process.stdout.readline()
    finally:
        killing.cancel()


def end(process: subprocess.Popen[Any], patience_s: float) -> None:
    """Read what it still says until it has ended; kill it and raise ``TimeoutExpired`` if it does not."""
    try:
        if process.poll() is None:
            process.communicate(timeout=patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate(timeout=10)
        raise
    finally:
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
