"""Memory limit for reading a head or a picture: what is damaged or hostile asks for gigabytes."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from device.errors import MediaError

_MAX_BYTES = 256 * 2**20
"""A picture of 50 megapixels fits, of whatever kind."""


@contextmanager
def within_memory(path: Path, most_bytes: int = _MAX_BYTES) -> Iterator[None]:
    """The process gets no more than so much while this lasts; where there is a limit already, that one holds.

    Raises ``MediaError`` for a file that asks for more, where Python is told so; libraries give their own errors.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:  # whoever started it has set it, or another thread at this moment
        yield
        return
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + most_bytes, hard))
    try:
        yield
    except MemoryError as error:
        raise MediaError(
            f"{path}: takes more than {most_bytes // 2**20} MiB to be read; is it damaged? export it smaller"
        ) from error
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
