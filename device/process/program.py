"""Entry point of every program here: an expected end is one line and an exit code, whatever its output goes to."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from device.errors import AffectdError
from device.process.extras import missing_library
from device.threads.abandonable import end_process

_UNWRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
_INTERRUPTED = 130
"""As a shell says of a program that Ctrl-C ended."""


def run_program(name: str, work: Callable[[], int], *, extra: str = "") -> int:
    """Do the work and give its exit code, for who is about to end with it; ``extra`` is what a missing library needs.

    An expected error is one line on standard error. A character that the terminal does not have is shown as ``?``.
    """
    _open_streams()
    return end_process(_exit_code(name, work, extra))


def _exit_code(name: str, work: Callable[[], int], extra: str) -> int:
    try:
        return _flushed(work)
    except AffectdError as error:
        return _print_error(name, str(error), error.exit_code)
    except ModuleNotFoundError as error:
        if (missing := missing_library(error, extra=extra)) is None:
            raise
        return _print_error(name, str(missing), missing.exit_code)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:  # whoever read our output has gone; nothing is left to say
        _let_go(sys.stdout)
        return 0
    except OSError as error:
        if error.errno not in _UNWRITTEN:
            raise
        _let_go(sys.stdout)
        place = f"{error.filename}: " if error.filename else ""
        return _print_error(name, f"{place}the output cannot be written ({error.strerror}); make room for it", 1)


def _open_streams() -> None:
    """Streams that were closed lead nowhere, lest the next file that is opened take their place."""
    for stream, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, stream) is None:
            setattr(sys, stream, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - for good
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _flushed(work: Callable[[], int]) -> int:
    """At the end of the process it would be too late: nobody could catch what flushing raises."""
    try:
        return work()
    finally:
        sys.stdout.flush()


def _print_error(name: str, text: str, code: int) -> int:
    try:
        sys.stderr.write(f"{name}: {text}\n")
        sys.stderr.flush()
    except OSError:
        _let_go(sys.stderr)
    return code


def _let_go(stream: TextIO) -> None:
    """What a stream still holds must not be tried again when the process ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
