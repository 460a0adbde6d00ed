"""What C++ libraries write to standard error by themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_INFORMATION = b"INFO: "


@contextmanager
def without_information() -> Iterator[None]:
    """Drop the lines that a library itself calls information, and pass everything else on, once this is over.

    Each TFLite interpreter would say there which kernels it uses; the runtimes have no setting that stops it.
    """
    try:
        stderr = os.dup(2)
    except OSError:  # it is closed: nothing can be written to it
        yield
        return
    with open(os.memfd_create("stderr"), "w+b") as told:  # noqa: PTH123 - a descriptor, not a path
        os.dup2(told.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            told.seek(0)
            with suppress(OSError):  # nobody reads it, or its disk is full
                os.write(2, b"".join(line for line in told if not line.startswith(_INFORMATION)))
