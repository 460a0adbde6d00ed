"""Options of sockets that other processes hold: of a broker's, say."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

_PIDFD_GETFD = 438
"""Its number on every architecture of Linux."""
_ESTABLISHED = "01"


def sends_at_once(port: int) -> list[bool]:
    """Of each connection that is served at this port, whether the server's end has TCP_NODELAY."""
    return [bool(end.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)) for end in _served(port)]


def _served(port: int) -> Iterator[socket.socket]:
    wanted = set(_inodes(port))
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # the process has ended, or closed it
            if str(link.readlink()) in wanted:
                with _borrowed(int(link.parts[2]), int(link.name)) as end:
                    yield end


def _inodes(port: int) -> Iterator[str]:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *rest = line.split()
        if state == _ESTABLISHED and int(local.partition(":")[2], 16) == port:
            yield f"socket:[{rest[5]}]"


def _borrowed(process: int, descriptor: int) -> socket.socket:
    pidfd = os.pidfd_open(process)
    try:
        ours = ctypes.CDLL(None, use_errno=True).syscall(_PIDFD_GETFD, pidfd, descriptor, 0)
    finally:
        os.close(pidfd)
    if ours < 0 and ctypes.get_errno() in {errno.EPERM, errno.ENOSYS}:
        pytest.skip("another process's sockets may not be looked at here")
    if ours < 0:
        raise OSError(ctypes.get_errno(), "the descriptor is not open any more")
    return socket.socket(fileno=ours)
