"""Redirection of standard error, to which C++ libraries write by themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

_INFORMATION = b"INFO: "


@contextmanager
def standard_error_to(file: IO[Any]) -> Iterator[None]:
    """What native code writes meanwhile is in the file and not in the log."""
    try:
        before = os.dup(2)
    except OSError:  # it is closed: nothing can be written to it
        yield
        return
    os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


@contextmanager
def without_information() -> Iterator[None]:
    """Drop the lines that a library itself calls information, and pass everything else on, once this is over.

    Each TFLite interpreter would say there which kernels it uses; the runtimes have no setting that stops it.
    """
    with open(os.memfd_create("stderr"), "w+b") as told:  # noqa: PTH123 - a descriptor, not a path
        try:
            with standard_error_to(told):
                yield
        finally:
            told.seek(0)
            with suppress(OSError):  # nobody reads it, or its disk is full
                os.write(2, b"".join(line for line in told if not line.startswith(_INFORMATION)))
