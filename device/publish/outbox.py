"""Events that must not be lost: written down first, forgotten when the broker has them."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from device.errors import AffectdError

_log = logging.getLogger(__name__)

_IN_MEMORY = ":memory:"
_LOCK_WAIT_S = 2.0
"""The predecessor of a restart may still be closing its file."""

_CREATE = "CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, payload BLOB NOT NULL)"


@dataclass(frozen=True, slots=True)
class Stored:
    """One event and its number in the store; numbers grow."""

    id: int
    payload: bytes


class Outbox:
    """A bounded store of events in one SQLite file. It belongs to the main thread.

    WAL with ``synchronous = NORMAL`` writes to the card at checkpoints only: a power cut may lose the last events but
    never the file. When ``capacity`` events wait, the oldest goes and is counted. A store that does not work
    costs events (counted, said once), never the appliance: without a usable file they are kept in memory. Raises
    ``AffectdError`` if another process has the file.
    """

    def __init__(self, path: Path, *, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._dropped = 0
        self._failed = False
        self._db, self._depth = _open(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def depth(self) -> int:
        """Events that wait."""
        return self._depth

    @property
    def dropped(self) -> int:
        """Events lost since the start."""
        return self._dropped

    def add(self, payload: bytes) -> int | None:
        """Write one event down; its number, or ``None`` if it could not be written."""
        try:
            number = self._db.execute("INSERT INTO events (payload) VALUES (?)", (payload,)).lastrowid
            self._depth += 1
            if self._depth > self._capacity:
                self._drop_oldest()
        except sqlite3.Error as error:
            self._dropped += 1
            self._say_once(error)
            return None
        self._failed = False
        return number

    def after(self, number: int, limit: int) -> list[Stored] | None:
        """The oldest events with a number above ``number``, at most ``limit``; ``None`` if they cannot be read now."""
        query = "SELECT id, payload FROM events WHERE id > ? ORDER BY id LIMIT ?"
        try:
            return [Stored(*row) for row in self._db.execute(query, (number, limit))]
        except sqlite3.Error as error:
            self._say_once(error)
            return None

    def forget(self, number: int) -> None:
        """The broker has it."""
        try:
            self._depth -= self._db.execute("DELETE FROM events WHERE id = ?", (number,)).rowcount
        except sqlite3.Error as error:  # it will be delivered twice, with the same id and kind
            self._say_once(error)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _drop_oldest(self) -> None:
        self._depth -= self._db.execute("DELETE FROM events WHERE id = (SELECT MIN(id) FROM events)").rowcount
        self._dropped += 1

    def _say_once(self, error: sqlite3.Error) -> None:
        if not self._failed:
            _log.error("the event store does not work (%s); events get lost until it does", error)
        self._failed = True


def _open(path: Path) -> tuple[sqlite3.Connection, int]:
    try:
        return _open_file(path)
    except (sqlite3.Error, OSError) as error:
        if _is_locked(error):
            raise AffectdError(
                f"{path}: another affectd has this event store; stop it, or give each its own node.state_dir"
            ) from error
        _log.error("%s: cannot keep events there (%s); keeping them in memory, where a restart loses them", path, error)
        return _connect(_IN_MEMORY)


def _open_file(path: Path) -> tuple[sqlite3.Connection, int]:
    try:
        return _connect(path)
    except sqlite3.OperationalError:  # the place is to blame, not what is written there
        raise
    except sqlite3.DatabaseError as error:
        aside = path.with_name(path.name + ".broken")
        path.replace(aside)
        _log.error("%s: was not a usable event store (%s); kept as %s, starting an empty one", path, error, aside.name)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return _connect(path)


def _connect(place: Path | str) -> tuple[sqlite3.Connection, int]:
    db = sqlite3.connect(place, timeout=_LOCK_WAIT_S, isolation_level=None)
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")  # two processes would deliver each other's events
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(_CREATE)
        db.executescript("BEGIN IMMEDIATE; ROLLBACK")  # fails now if the file can only be read
        return db, int(db.execute("SELECT COUNT(*) FROM events").fetchone()[0])
    except sqlite3.Error:
        db.close()
        raise


def _is_locked(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY  # the upper bits are details
