"""Atomic file writes of the commands: a disk that refuses is an error with a remedy, not a traceback."""

from __future__ import annotations

import hashlib
from pathlib import Path

from device.errors import AffectdError
from device.files import replace_durably


def write_file(path: Path, content: bytes) -> None:
    """Put ``content`` in the file's place, whole or not at all. Raises ``AffectdError`` where the disk refuses."""
    try:
        replace_durably(path, content)
    except OSError as error:
        raise AffectdError(f"{path}: cannot be written ({error.strerror}); nothing there was changed") from error


def sha256_of(path: Path) -> str:
    """The hash of a file's content, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
