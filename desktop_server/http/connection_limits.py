"""Connection limits, of an address and in all: the least recently used idle connection is closed first."""

from __future__ import annotations

import resource
from typing import Protocol

_SHARE = 0.75
"""Of the descriptors; the rest is for files, decoders and brokers."""
_MAX_DESCRIPTORS = 2**16


class Connection(Protocol):
    """A client's."""

    @property
    def is_idle(self) -> bool:
        """No request is under way."""

    def evict(self) -> None:
        """Close it."""


class ConnectionLimits:
    """The open connections by address. Used from the event loop only.

    Beyond ``per_address`` the address's least recently used idle one is closed, beyond ``total`` that of the address
    that has most. Where none is idle, it is the new one.
    """

    def __init__(self, *, per_address: int, total: int) -> None:
        self._per_address, self._total = per_address, total
        self._open: dict[str, dict[Connection, None]] = {}
        self._count = 0

    def add(self, connection: Connection, address: str) -> None:
        """One more."""
        same = self._open.setdefault(address, {})
        same[connection] = None
        self._count += 1
        if len(same) > self._per_address:
            self._evict_idle(same, connection)
        elif self._count > self._total:
            self._evict_idle(max(self._open.values(), key=len), connection)

    def touch(self, connection: Connection, address: str) -> None:
        """A request has come on it."""
        same = self._open.get(address, {})
        if connection in same:
            del same[connection]
            same[connection] = None

    def remove(self, connection: Connection, address: str) -> None:
        """It is closed, or no longer one for requests."""
        same = self._open.get(address, {})
        if connection in same:
            del same[connection]
            self._count -= 1
        if not same:
            self._open.pop(address, None)

    @staticmethod
    def _evict_idle(among: dict[Connection, None], new: Connection) -> None:
        next((connection for connection in among if connection.is_idle and connection is not new), new).evict()


def max_connections() -> int:
    """The connections that the process's file descriptors suffice for, after raising their limit to the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MAX_DESCRIPTORS)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return int(_SHARE * max(soft, most))
