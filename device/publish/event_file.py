"""Event store on the disk: one SQLite file, in which the next process finds what this one did not deliver."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from itertools import islice
from pathlib import Path

_LOCK_WAIT_S = 2.0
"""The predecessor of a restart may still be closing its file."""

_MAX_READ, _MAX_MISSED = 100_000, 1_000
"""Rows that are taken from a damaged file, whose pages may lead in a circle, and numbers in a row that fail in it."""

_PLACE_CODES = frozenset({
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL,
})  # fmt: skip
"""SQLite's result codes that blame the disk or the rights. Any other blames what is written there."""

_TABLES = (
    "CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, payload BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS will (id INTEGER PRIMARY KEY CHECK (id = 1), payload BLOB NOT NULL)",
)


class FileUnusable(Exception):
    """The disk is full, can only be read, or the file is somebody else's."""


class FileInUse(FileUnusable):
    """Another process has it."""


class FileDamaged(Exception):
    """Damage: what is written there is no event store, or no longer one."""


class EventFile:
    """Events by number, and the will: the event that is to follow them if this life ends without a word.

    What happened is on the disk when a call returns; that something was delivered may be lost by a power cut, and it is
    delivered twice. Every call raises ``FileUnusable`` or ``FileDamaged``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with _errors_told_apart():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o644))  # its error has better words than SQLite's
            self._db = _connect(path)
            try:
                self._prepare()
                self._inode = path.stat().st_ino
            except BaseException:
                self._db.close()
                raise

    @property
    def is_in_place(self) -> bool:
        """Whether the next life will find it: nobody has deleted it or put another in its place."""
        with suppress(OSError):
            return self._path.stat().st_ino == self._inode
        return False

    def load(self) -> list[bytes]:
        """All that the last life left, oldest first, its will last."""
        with _errors_told_apart():
            return [
                *_column(self._db, "SELECT payload FROM events ORDER BY id"),
                *_column(self._db, "SELECT payload FROM will"),
            ]

    def add(self, number: int, payload: bytes, will: bytes | None, *, instead_of: int | None) -> None:
        """One more event, and the will from now on; the event ``instead_of`` goes."""
        with self._transaction():
            self._db.execute("INSERT INTO events VALUES (?, ?)", (number, payload))
            self._db.execute("DELETE FROM events WHERE id = ?", (instead_of,))
            self._leave(will)

    def leave(self, will: bytes) -> None:
        """A newer will. It outlasts the process at once; a power cut may bring the one before back."""
        with _errors_told_apart():
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("INSERT OR REPLACE INTO will VALUES (1, ?)", (will,))

    def remove(self, number: int) -> None:
        """The event is delivered."""
        with _errors_told_apart():
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("DELETE FROM events WHERE id = ?", (number,))

    def rewrite(self, events: Mapping[int, bytes], will: bytes | None) -> None:
        """These events and no others."""
        with self._transaction():
            self._db.execute("DELETE FROM events")
            self._db.executemany("INSERT INTO events VALUES (?, ?)", events.items())
            self._leave(will)

    def close(self) -> None:
        """Let go of the file."""
        with suppress(sqlite3.Error):
            self._db.close()

    def _prepare(self) -> None:
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")  # two processes would deliver each other's events
        self._db.execute("PRAGMA journal_mode = WAL")
        (verdict,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != b"ok":
            raise FileDamaged(verdict.decode(errors="replace").replace("\n", ": "))
        for statement in _TABLES:
            self._db.execute(statement)
        self._db.executescript("BEGIN IMMEDIATE; ROLLBACK")  # fails now if the file can only be read

    def _leave(self, will: bytes | None) -> None:
        self._db.execute("DELETE FROM will")
        if will is not None:
            self._db.execute("INSERT INTO will VALUES (1, ?)", (will,))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _errors_told_apart():
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # the disk may have ended it already
                    self._db.execute("ROLLBACK")
                raise


def put_aside(path: Path) -> Path:
    """Rename a damaged file and what belongs to it; an older one of that name goes. Raises ``OSError``."""
    aside = path.with_name(path.name + ".broken")
    path.replace(aside)
    for suffix in ("-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        with suppress(FileNotFoundError):
            beside.replace(aside.with_name(aside.name + suffix))
    return aside


def left_in(path: Path) -> list[bytes] | None:
    """What can be read, each once, of a file that cannot be used; ``None`` if it cannot be read at all.

    A copy is read: SQLite would write to the file itself.
    """
    try:
        with tempfile.TemporaryDirectory(dir=os.environ.get("RUNTIME_DIRECTORY") or None) as folder:
            copy = Path(folder) / path.name
            shutil.copyfile(path, copy)
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{path}-wal", f"{copy}-wal")
            with _errors_told_apart(), closing(_connect(copy)) as db:
                return list(dict.fromkeys(islice(_readable(db), _MAX_READ)))
    except (OSError, FileUnusable, FileDamaged):
        return None


def _readable(db: sqlite3.Connection) -> Iterator[bytes]:
    db.execute("PRAGMA writable_schema = ON")  # a damaged schema is then no error in itself
    last, missed = -1, 0
    while missed < _MAX_MISSED:
        try:
            for number, payload in db.execute("SELECT id, payload FROM events WHERE id > ? ORDER BY id", (last,)):
                last, missed = number, 0
                if isinstance(payload, bytes):
                    yield payload
            break
        except sqlite3.Error:  # of the next one, or of the page that has it
            last, missed = last + 1, missed + 1
    with suppress(sqlite3.Error):
        yield from _column(db, "SELECT payload FROM will")


def _column(db: sqlite3.Connection, query: str) -> Iterator[bytes]:
    return (value for (value,) in db.execute(query) if isinstance(value, bytes))


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_LOCK_WAIT_S, isolation_level=None)
    db.text_factory = bytes  # no text is ours, and what is damaged need not be UTF-8
    return db


@contextmanager
def _errors_told_apart() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileUnusable(error.strerror) from error
    except sqlite3.Error as error:
        raise _kind(error)(str(error)) from error
    except (UnicodeDecodeError, OverflowError) as error:  # of a damaged schema or number, on the way into Python
        raise FileDamaged(str(error)) from error


def _kind(error: sqlite3.Error) -> type[Exception]:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the upper bits are details
    if code == sqlite3.SQLITE_BUSY:
        return FileInUse
    return FileUnusable if code in _PLACE_CODES else FileDamaged
