"""How many connections there may be: what nobody uses gives way before others are shut out."""

from __future__ import annotations

import resource
from typing import Protocol

_SHARE = 0.75
"""Of the descriptors; the rest is for files, decoders and brokers."""
_MOST_DESCRIPTORS = 2**16


class Connection(Protocol):
    """A client's."""

    @property
    def is_idle(self) -> bool:
        """No request is under way."""

    def let_go(self) -> None:
        """Close it."""


class Connections:
    """All that are open, by their addresses. Used from the event loop only.

    Beyond ``of_an_address`` the one that its address has left idle for longest is closed, beyond ``in_all`` the same of
    the address that has most. Where none is idle, it is the new one.
    """

    def __init__(self, *, of_an_address: int, in_all: int) -> None:
        self._of_an_address, self._in_all = of_an_address, in_all
        self._open: dict[str, dict[Connection, None]] = {}
        self._count = 0

    def enter(self, connection: Connection, address: str) -> None:
        """One more."""
        same = self._open.setdefault(address, {})
        same[connection] = None
        self._count += 1
        if len(same) > self._of_an_address:
            self._let_go_one(same, connection)
        elif self._count > self._in_all:
            self._let_go_one(max(self._open.values(), key=len), connection)

    def use(self, connection: Connection, address: str) -> None:
        """A request has come on it."""
        same = self._open.get(address, {})
        if connection in same:
            del same[connection]
            same[connection] = None

    def leave(self, connection: Connection, address: str) -> None:
        """It is closed, or no longer one for requests."""
        same = self._open.get(address, {})
        if connection in same:
            del same[connection]
            self._count -= 1
        if not same:
            self._open.pop(address, None)

    @staticmethod
    def _let_go_one(among: dict[Connection, None], new: Connection) -> None:
        next((connection for connection in among if connection.is_idle and connection is not new), new).let_go()


def descriptors() -> int:
    """As many connections as the process's descriptors are enough for, of which it takes all that it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return int(_SHARE * max(soft, most))
