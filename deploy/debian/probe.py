"""Tries what the service may and may not do, in its sandbox or outside; writes what came of it, by name, as JSON."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

STATE = Path(os.environ["STATE_DIRECTORY"])
NEW_USER_NAMESPACE = 0x10000000


def connect(address: str) -> None:
    """To a server on this machine that listens on two addresses."""
    socket.create_connection((address, 8080), 2).close()


def make_namespace() -> None:
    """In a child: this process stays as it is."""
    library = ctypes.CDLL(None, use_errno=True)
    child = os.fork()
    if child == 0:
        os._exit(ctypes.get_errno() if library.unshare(NEW_USER_NAMESPACE) else 0)
    if status := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise OSError(status, os.strerror(status))


def set_user_id() -> None:
    """On a file of our own."""
    path = STATE / "set-user-id"
    path.touch()
    path.chmod(0o4755)


ATTEMPTS: dict[str, Callable[[], object]] = {
    "write its state": lambda: (STATE / "probe").write_text("x"),
    "write elsewhere": lambda: Path("/srv/open/x").write_text("x"),
    "read a home": lambda: Path("/home/anna/diary").read_text(),
    "open another device": lambda: os.close(os.open("/dev/fuse", os.O_RDWR)),
    "see another's process": lambda: Path("/proc/1/status").read_text(),
    "make a namespace": make_namespace,
    "set the user id of a file": set_user_id,
    "connect to the broker": lambda: connect("192.168.1.10"),
    "connect elsewhere": lambda: connect("192.168.1.11"),
}


def outcome(attempt: Callable[[], object]) -> str:
    """``done``, or why not."""
    try:
        attempt()
    except TimeoutError:
        return "ETIMEDOUT"
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    return "done"


if __name__ == "__main__":
    found = {name: outcome(attempt) for name, attempt in ATTEMPTS.items()}
    (STATE / "probe.json").write_text(json.dumps(found))
