"""The sets that were installed after the package, and which of them is active.

``root/active`` is a link to one folder of ``root/sets``; that folder's own ``previous`` links to the one before it. So
one renamed link switches everything, and a power cut at any moment leaves the old set or the new one.
"""

from __future__ import annotations

import fcntl
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from device.errors import AffectdError, ModelError
from device.files import sync_folder
from device.models.sets import ACTIVE, PREVIOUS, ModelSet, folders_before, list_sets, load_set, updates_folder
from device.updates.manifest import require_whole

_SETS, _LOCK = "sets", ".lock"
_STAGING = ".staging-"

_log = logging.getLogger(__name__)


class InstalledSets:
    """A folder of installed sets, for one command at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._active = root / ACTIVE

    @contextmanager
    def changing(self) -> Iterator[None]:
        """While this is held, nobody else installs. Raises ``AffectdError`` if somebody does, or we may not write."""
        try:
            for folder in (self._root, self._root / _SETS):
                folder.mkdir(parents=True, exist_ok=True)
                folder.chmod(0o755)  # the service is another user, whatever root's umask
            with (self._root / _LOCK).open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._sweep()
                yield
                self._sweep()
        except BlockingIOError as error:
            raise AffectdError(
                f"{self._root}: another `affectd models` is at work; try again when it is done"
            ) from error
        except PermissionError as error:
            raise AffectdError(f"{self._root}: may not be changed by this user; run this as root") from error
        except OSError as error:
            raise AffectdError(
                f"{self._root}: cannot change the model sets ({error.strerror}); is the disk full?"
            ) from error

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """An empty folder for a set that is still to be tried; gone afterwards unless it was activated."""
        folder = Path(tempfile.mkdtemp(prefix=_STAGING, dir=self._root))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def active(self) -> Path | None:
        """The folder of the set in use, or ``None``: those of the package are."""
        return _target(self._active)

    def activate(self, staged: Path, name: str) -> None:
        """Make a staged set the active one. What was active before is its ``previous``."""
        if before := self.active():
            (staged / PREVIOUS).symlink_to(Path("..") / before.name)
        staged.chmod(0o755)
        sync_folder(staged)
        folder = self._root / _SETS / f"{self._next_number():04}-{name}"
        staged.rename(folder)
        sync_folder(folder.parent)
        self._switch(folder)

    def go_back(self, require_usable: Callable[[Path], object]) -> Path | None:
        """Switch to the last set before the active one that is still usable, or (``None``) to those of the package.

        ``require_usable`` raises ``ModelError`` for a set that is not. Raises ``AffectdError`` if none is installed.
        """
        active = self.active()
        if active is None:
            raise AffectdError("no model set is installed: those of the package are in use, and nothing is before them")
        for candidate in folders_before(active):
            try:
                require_usable(candidate)
            except ModelError as error:
                _log.warning("%s is left out: %s", candidate.name, error)
            else:
                self._switch(candidate)
                return candidate
        self._active.unlink()
        sync_folder(self._root)
        return None

    def _switch(self, folder: Path) -> None:
        link = self._root / f"{_STAGING}link"
        link.unlink(missing_ok=True)
        link.symlink_to(Path(_SETS) / folder.name)
        link.replace(self._active)
        sync_folder(self._root)

    def _next_number(self) -> int:
        numbers = [path.name.partition("-")[0] for path in (self._root / _SETS).iterdir()]
        return 1 + max((int(number) for number in numbers if number.isdecimal()), default=0)

    def _sweep(self) -> None:
        """Remove what a power cut left, and every set but the active one and its previous."""
        kept = []
        if active := self.active():
            kept = [active, _target(active / PREVIOUS)]
        for path in (*self._root.glob(f"{_STAGING}*"), *(self._root / _SETS).iterdir()):
            if path.is_symlink():
                path.unlink()
            elif path.resolve() not in kept:
                shutil.rmtree(path, ignore_errors=True)


def load_whole_set(folder: Path, name: str, *, any_name: bool) -> ModelSet:
    """``load_set``, and if the folder is an installed one, only if every file is the one that was packed.

    ``any_name``: if it has no set of that name, its default one. Raises ``ConfigError`` or ``ModelError``.
    """
    if folder.parent == _installed_folder():
        require_whole(folder)
    return load_set(folder, name if not any_name or name in list_sets(folder) else "")


def _installed_folder() -> Path | None:
    root = updates_folder()
    return (root / _SETS).resolve() if root else None


def _target(link: Path) -> Path | None:
    return link.resolve() if link.is_dir() else None
