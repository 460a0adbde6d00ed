"""Access to device files: no permission, or somebody else has it."""

from __future__ import annotations

import errno
import fcntl
import grp
import os
import pwd
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

_VIDIOC_REQBUFS = 0xC0145608
"""Ask a camera for buffers: <linux/videodev2.h>, _IOWR('V', 8, struct v4l2_requestbuffers) with its 20 bytes."""
_NO_BUFFERS = struct.pack("=IIIIB3x", 0, 1, 1, 0, 0)
"""None at all of video capture, memory-mapped: it changes nothing, and fails with EBUSY if somebody else has some."""


def forbidden(paths: Iterable[Path]) -> str:
    """That one of these devices may not be read and written by this user, with the remedy; empty if all may."""
    for path in paths:
        if path.exists() and not os.access(path, os.R_OK | os.W_OK):
            return (
                f"no permission to use {path}; add the user that runs affectd to its group: "
                f"sudo usermod -aG {_group(path)} {_user()}, then log in again"
            )
    return ""


def in_use(path: Path, proc: Path = Path("/proc")) -> str:
    """That another program has this device, which one as far as it may be seen, and the remedy; empty if none has."""
    holders = [f"{name} (process {number})" for number, name in _holders(path, proc)]
    if not holders and not _is_busy(path):
        return ""
    return (
        f"{path} is in use by {', '.join(holders) or 'another program'}; end it "
        "(the appliance itself: sudo systemctl stop affectd)"
    )


def held_by_the_appliance(paths: Iterable[Path], proc: Path = Path("/proc")) -> str:
    """That the appliance itself has one of these devices, as it should while it runs; empty if it has none."""
    for path in paths:
        for number, name in _holders(path, proc):
            if name == "affectd":
                return f"in use by the appliance itself (process {number}); to look closer: sudo systemctl stop affectd"
    return ""


def _is_busy(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        return error.errno == errno.EBUSY
    try:
        fcntl.ioctl(descriptor, _VIDIOC_REQBUFS, _NO_BUFFERS)
    except OSError as error:  # ENOTTY: no camera at all
        return error.errno == errno.EBUSY
    finally:
        os.close(descriptor)
    return False


def _holders(path: Path, proc: Path) -> Iterator[tuple[int, str]]:
    """Other processes that hold the file open; those of other users only root sees."""
    wanted = os.path.realpath(path)
    for folder in sorted(proc.glob("[0-9]*"), key=lambda found: int(found.name)):
        try:
            opened = {os.path.realpath(link) for link in (folder / "fd").iterdir()}
            name = (folder / "comm").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:  # another user's, or gone meanwhile
            continue
        if wanted in opened and int(folder.name) != os.getpid():
            yield int(folder.name), name


def _group(path: Path) -> str:
    number = path.stat().st_gid
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _user() -> str:
    """Who runs this, and not who asked sudo for it: `sudo -u affectd affectd doctor` is affectd's."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return "affectd"
