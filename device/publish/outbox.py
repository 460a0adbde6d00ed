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
    costs events (counted, said once), never the appliance.
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

    def after(self, number: int, limit: int) -> list[Stored]:
        """The oldest events with a number above ``number``, at most ``limit``."""
        query = "SELECT id, payload FROM events WHERE id > ? ORDER BY id LIMIT ?"
        try:
            return [Stored(*row) for row in self._db.execute(query, (number, limit))]
        except sqlite3.Error as error:
            self._say_once(error)
            return []

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
        return _connect(path)
    except sqlite3.OperationalError as error:
        raise AffectdError(
            f"{path}: cannot open the event store ({error}); its folder must exist and be writable, for one process"
        ) from error
    except sqlite3.DatabaseError as error:
        aside = path.with_name(path.name + ".broken")
        _log.error("%s: not a usable event store (%s); kept as %s, starting an empty one", path, error, aside.name)
        path.replace(aside)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return _connect(path)


def _connect(path: Path) -> tuple[sqlite3.Connection, int]:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(_CREATE)
        return db, int(db.execute("SELECT COUNT(*) FROM events").fetchone()[0])
    except sqlite3.Error:
        db.close()
        raise
