"""What has to be found after a power cut: written so that it is on the disk, and never half of it."""

from __future__ import annotations

import os
from pathlib import Path


def replace_durably(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Put ``content`` in the file's place: after a power cut it is the old one or the new one. Raises ``OSError``.

    Without the wait for the disk the new name may outlast a power cut with nothing in it.
    """
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in it. Raises ``OSError``."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
