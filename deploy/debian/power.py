"""A machine whose power can be cut: what was not yet written to its card is lost with it.

Its card is an ext4 file system in a file. At a cut this is shut down as crash tests of file systems do it, without
another write, and every process of the machine is killed; the next start is from a copy, since somebody else's
namespace may hold the old one, and replays its journal. Pages are written back late (commit=600), so that, as on a
card, what nobody asked to be written is seldom there. What this does not imitate: a drive that lies about what it has
written, or writes in another order than it was told.
"""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from machine import NSPAWN, Machine, eventually, inits, make_ready, mounted, power_off
from processes import started

CARD_MB = 1500
_SHUT_DOWN, _WITHOUT_ANOTHER_WRITE = 0x8004587D, 2  # linux/fs.h: FS_IOC_SHUTDOWN, FS_SHUTDOWN_FLAGS_NOLOGFLUSH


def new_card(folder: Path) -> Path:
    """An empty one."""
    folder.mkdir(parents=True)
    card = folder / "card"
    with card.open("wb") as file:
        file.truncate(CARD_MB * 1_000_000)
    subprocess.run(["mkfs.ext4", "-q", "-F", card], check=True, timeout=120)
    return card


@contextmanager
def inserted(disk: str, card: Path) -> Iterator[Machine]:
    """The machine while it runs: its disk starts as ``disk``, and what it changes lies on the card.

    It ends by ``cut``, or in order.
    """
    mount = card.with_name("mounted")
    with mounted(mount, ["-o", "loop,commit=600,noatime", card]):
        for each in (mount / "upper", mount / "work"):
            each.mkdir(exist_ok=True)
        layers = f"lowerdir={disk},upperdir={mount}/upper,workdir={mount}/work"
        root = card.with_name("root")
        with mounted(root, ["-t", "overlay", "overlay", "-o", layers]), card.with_name("console").open("ab") as console:
            make_ready(root)
            env = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
            streams = {"stdin": subprocess.DEVNULL, "stdout": console, "stderr": console}
            with started([*NSPAWN, f"--directory={root}"], env=env, start_new_session=True, **streams) as process:
                try:
                    eventually(lambda: bool(inits(process)))
                    yield Machine(root, inits(process)[0])
                finally:
                    if process.poll() is None:
                        power_off(process)


def cut(machine: Machine, card: Path, folder: Path) -> Path:
    """Cut the power, now: the card to go on with."""
    folder.mkdir(parents=True)
    mounted = os.open(card.with_name("mounted"), os.O_RDONLY)
    try:
        fcntl.ioctl(mounted, _SHUT_DOWN, struct.pack("I", _WITHOUT_ANOTHER_WRITE))
    finally:
        os.close(mounted)
    os.kill(machine.leader, signal.SIGKILL)  # and with it whatever runs there
    eventually(lambda: not Path(f"/proc/{machine.leader}").exists())
    left = folder / "card"
    subprocess.run(["cp", "--sparse=always", card, left], check=True, timeout=120)
    return left
