"""The file a model set travels in: a tar of plain files side by side, not compressed.

Int8 weights hardly compress, and what is not compressed cannot be a bomb.
"""

from __future__ import annotations

import re
import stat
import tarfile
from pathlib import Path
from typing import IO

from device.errors import AffectdError, ModelError
from device.files import write_new

MAX_ARCHIVE_BYTES = 64_000_000
"""Of the whole file. Both sets of the package have about 2 MB."""
MAX_FILES = 64
"""A set has a dozen."""

FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Of a file or a set: no folder, nothing hidden, nothing above."""


def unpack(archive: Path, folder: Path) -> None:
    """Write the archive's files into an empty folder; they are on the disk when this returns.

    What they say is not looked at. Raises ``ModelError`` for anything but plain files within the limits, and
    ``AffectdError`` if the archive cannot be read or the folder not written.
    """
    with _opened(archive) as file:
        try:
            with tarfile.open(fileobj=file, mode="r:") as tar:
                for number, member in enumerate(tar, start=1):
                    content = _content(tar, member, archive, number)
                    write_durably(folder / member.name, content)
        except (tarfile.TarError, ValueError, EOFError, OverflowError, RecursionError) as error:
            # RecursionError: tarfile reads headers that announce headers by calling itself.
            raise ModelError(f"{archive}: not a whole model set ({error}); copy or download it again") from error


def write(folder: Path, archive: Path) -> None:
    """Put a folder's files into an archive. Raises ``AffectdError`` if it cannot be written."""
    beside = archive.with_name(archive.name + ".part")
    try:
        with tarfile.open(beside, mode="w:", format=tarfile.USTAR_FORMAT) as tar:
            for path in sorted(folder.iterdir()):
                member = tarfile.TarInfo(path.name)
                member.size = path.stat().st_size
                with path.open("rb") as content:
                    tar.addfile(member, content)
        beside.replace(archive)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise AffectdError(f"{archive}: cannot write the model set ({error.strerror})") from error


def write_durably(path: Path, content: bytes) -> None:
    """Write a new file that everybody may read; it is on the disk when this returns. Raises ``AffectdError``."""
    try:
        write_new(path, content)
        path.chmod(0o644)  # whatever the umask
    except FileExistsError as error:
        raise ModelError(f"the model set has two files called {path.name}; pack it again") from error
    except OSError as error:
        raise AffectdError(f"{path.parent}: cannot write {path.name} ({error.strerror}); is the disk full?") from error


def _opened(archive: Path) -> IO[bytes]:
    try:
        status = archive.stat()
        if not stat.S_ISREG(status.st_mode):
            raise AffectdError(f"{archive}: not a file; give the model set that `affectd models pack` made")
        if status.st_size > MAX_ARCHIVE_BYTES:
            raise ModelError(f"{archive}: {status.st_size} bytes are no model set; {MAX_ARCHIVE_BYTES} are the most")
        return archive.open("rb")
    except OSError as error:
        raise AffectdError(f"{archive}: cannot read the model set ({error.strerror})") from error


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo, archive: Path, number: int) -> bytes:
    if number > MAX_FILES:
        raise ModelError(f"{archive}: more than {MAX_FILES} files are no model set; pack it again")
    if not member.isreg() or member.issparse() or not FILE_NAME.fullmatch(member.name):
        raise ModelError(f"{archive}: {member.name!r} is no plain file side by side with the others; pack it again")
    if member.size > MAX_ARCHIVE_BYTES:
        raise ModelError(f"{archive}: {member.name} says it has {member.size} bytes; {MAX_ARCHIVE_BYTES} are the most")
    reader = tar.extractfile(member)
    content = reader.read() if reader else b""
    if len(content) != member.size:
        raise ModelError(f"{archive}: {member.name} ends early; copy or download the file again")
    return content
