"""The privacy switch's memory: a camera that was closed stays closed after a power cut."""

from __future__ import annotations

import os
from pathlib import Path

from device.errors import AffectdError


class PrivacyFlag:
    """One flag in one file, replaced in one piece. A file that cannot be understood counts as closed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def active(self) -> bool:
        """Whether camera and microphone are to be closed. No file yet: they are open."""
        try:
            return self._path.read_bytes().strip() != b"OFF"
        except FileNotFoundError:
            return False
        except OSError:  # who cannot read the wish must not film
            return True

    def set(self, active: bool) -> None:
        """Remember the wish; it is on the disk when this returns. Raises ``AffectdError`` when it cannot be."""
        temporary = self._path.with_name(self._path.name + ".new")
        try:
            with temporary.open("wb") as file:
                file.write(b"ON\n" if active else b"OFF\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
            _sync_folder(self._path.parent)
        except OSError as error:
            raise AffectdError(
                f"{self._path}: cannot remember the privacy switch ({error.strerror}); a restart will forget it"
            ) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
