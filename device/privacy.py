"""The privacy switch's memory: a camera that was closed stays closed after a power cut."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from device.disk import replace_durably, sync_folder
from device.errors import AffectdError

_CLOSED, _OPEN = b"ON \n", b"OFF\n"
"""Of one length: one takes the other's place on the disk, and what is neither, being half written, counts as closed."""


class PrivacyFlag:
    """One wish in one file. What is there and cannot be understood counts as closed; where there is no file, as open.

    The file keeps its block and is overwritten in place, which a full disk does not hinder. ``problem`` says why a
    restart would not find the wish, or why it could not be read; it is empty while all is well.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._active, self.problem = self._read()
        self._is_kept = True

    def active(self) -> bool:
        """Whether camera and microphone are to be closed."""
        return self._active

    def set(self, active: bool) -> None:
        """Take the wish; the disk has it when this returns. Raises ``AffectdError`` if a restart would not find it."""
        self._active = active
        try:
            self._write()
            self.problem = ""
        except OSError as error:
            # An empty file, and an older wish that was the same, say what is to be said; unless the card itself fails.
            is_there = error.errno != errno.EIO and self._read() == (self._active, "")
            self.problem = "" if is_there else self._not_remembered(error)
        self._is_kept = not self.problem
        if self.problem:
            raise AffectdError(self.problem)

    def secure(self) -> None:
        """Make the file while there is room for it, and write down what could not be written before.

        A wish that could not be read is left alone: it may be read at the next start.
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
        if self._active or os.path.lexists(self._path):  # one that is made for a wish to close says so from the start
            _overwrite(self._path, _CLOSED if self._active else _OPEN)
            sync_folder(self._path.parent)
        else:
            replace_durably(self._path, _OPEN)

    def _read(self) -> tuple[bool, str]:
        try:
            return self._path.read_bytes().strip() != _OPEN.strip(), ""
        except FileNotFoundError:
            return False, ""
        except OSError as error:  # who cannot read the wish must not film
            return True, (
                f"{self._path}: cannot read the privacy switch ({error.strerror}); "
                "camera and microphone stay closed until they are opened by OFF"
            )

    def _not_remembered(self, error: OSError) -> str:
        return f"{self._path}: cannot remember the privacy switch ({error.strerror}); a restart will forget a change"


def _overwrite(path: Path, wish: bytes) -> None:
    """Put the wish in the place of the older one and wait until the disk has it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.pwrite(descriptor, wish, 0)
        os.ftruncate(descriptor, len(wish))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
