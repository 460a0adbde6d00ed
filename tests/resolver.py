"""A resolver that writes down which names are asked for and knows none, and what makes a program ask it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ADDRESS = "127.0.83.53"
"""Of this machine, and no other resolver's: those that serve a single machine listen at 127.0.0.1 or 127.0.0.53."""
_NO_SUCH_NAME = b"\x81\x83"


@dataclass(frozen=True)
class Resolver:
    """``before``: the words before a command that let it, and what it starts, see this resolver alone."""

    before: tuple[str, ...]
    asked: list[str] = field(default_factory=list)


@contextmanager
def resolver(folder: Path) -> Iterator[Resolver]:
    """The resolver while it runs. Skips where a command cannot be given one."""
    asks_it = _asks(folder)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        port.bind((ADDRESS, 53))
        running = Resolver(asks_it)
        answering = threading.Thread(target=_answer, args=(port, running.asked))
        answering.start()
        try:
            yield running
        finally:
            port.sendto(b"", (ADDRESS, 53))
            answering.join(10)


def _asks(folder: Path) -> tuple[str, ...]:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and util-linux's unshare, to give a program a resolver of its own")
    files = {"resolv.conf": f"nameserver {ADDRESS}\noptions timeout:1\n", "nsswitch.conf": "hosts: files dns\n"}
    for name, text in files.items():
        (folder / name).write_text(text)
    mount = " && ".join(f"mount --bind {folder}/{name} $(readlink -f /etc/{name})" for name in files)
    before = ("unshare", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh")
    if subprocess.run([*before, "true"], capture_output=True, timeout=60).returncode:
        pytest.skip("programs cannot be given mounts of their own here")
    return before


def _answer(port: socket.socket, asked: list[str]) -> None:
    """Until it is sent nothing."""
    while True:
        question, asker = port.recvfrom(512)
        if not question:
            return
        asked.append(_name(question[12:]))
        end = 12 + question[12:].index(0) + 5  # of the question, by RFC 1035: a name, a type, a class
        port.sendto(question[:2] + _NO_SUCH_NAME + question[4:6] + bytes(6) + question[12:end], asker)


def _name(labels: bytes) -> str:
    parts = []
    while length := labels[0]:
        parts.append(labels[1 : 1 + length].decode(errors="replace"))
        labels = labels[1 + length :]
    return ".".join(parts)
