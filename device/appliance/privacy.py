"""Persistence of the privacy switch: a camera that was closed stays closed after a power cut."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from device.errors import AffectdError
from device.files import replace_durably, sync_folder

_CLOSED, _OPEN = b"ON \n", b"OFF\n"
"""Of one length: one takes the other's place on the disk, and what is neither, being half written, counts as closed."""


class PrivacyFlag:
    """The requested state in one file. What cannot be understood counts as closed; where there is no file, as open.

    The file keeps its block and is overwritten in place, which a full disk does not hinder. ``problem`` says why a
    restart would not find the request, or why it could not be read; it is empty while all is well.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._active, self.problem = self._read()
        self._is_kept = True

    def active(self) -> bool:
        """Whether camera and microphone are to be closed."""
        return self._active

    def set(self, active: bool) -> None:
        """Take the request; the disk has it on return. Raises ``AffectdError`` if a restart would not find it."""
        self._active = active
        try:
            self._write()
            self.problem = ""
        except OSError as error:
            # An empty file, and an older request that was the same, say the same; unless the card itself fails.
            is_there = error.errno != errno.EIO and self._read() == (self._active, "")
            self.problem = "" if is_there else self._not_remembered(error)
        self._is_kept = not self.problem
        if self.problem:
            raise AffectdError(self.problem)

    def secure(self) -> None:
        """Make the file while there is room for it, and write down what could not be written before.

        A request that could not be read is left alone: it may be read at the next start.
        """
        if self.problem and self._is_kept:
            return
        try:
            if self._is_kept and os.path.lexists(self._path):
                os.close(os.open(self._path, os.O_WRONLY))
            else:
                self._write()
            self._is_kept, self.problem = True, ""
        except OSError as error:
            self._is_kept, self.problem = False, self._not_remembered(error)

    def _write(self) -> None:
        if self._active or os.path.lexists(self._path):  # one made for a request to close says so from the start
            _overwrite(self._path, _CLOSED if self._active else _OPEN)
            sync_folder(self._path.parent)
        else:
            replace_durably(self._path, _OPEN)

    def _read(self) -> tuple[bool, str]:
        try:
            return self._path.read_bytes().strip() != _OPEN.strip(), ""
        except FileNotFoundError:
            return False, ""
        except OSError as error:  # who cannot read the request must not film
            return True, (
                f"{self._path}: cannot read the privacy switch ({error.strerror}); "
                "camera and microphone stay closed until they are opened by OFF"
            )

    def _not_remembered(self, error: OSError) -> str:
        return f"{self._path}: cannot remember the privacy switch ({error.strerror}); a restart will forget a change"


def _overwrite(path: Path, requested: bytes) -> None:
    """Put the requested state in the place of the older one and wait until the disk has it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.pwrite(descriptor, requested, 0)
        os.ftruncate(descriptor, len(requested))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
