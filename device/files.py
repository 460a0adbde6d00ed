"""Atomic file writes: what has to be found after a power cut is on the disk whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def replace_durably(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Put ``content`` in the file's place: after a power cut it is the old one or the new one. Raises ``OSError``.

    Without the wait for the disk the new name may outlast a power cut with nothing in it.
    """
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    write_new(beside, content, mode=mode)
    beside.replace(path)
    sync_folder(path.parent)


def write_new(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file that was not there; its content is on the disk when this returns. Raises ``OSError``."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in it. Raises ``OSError``."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
