"""Outbox of events: kept until the broker has them, in memory and, for the next process, on the disk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from device.errors import AffectdError
from device.publish.event_file import EventFile, FileDamaged, FileInUse, FileUnusable, left_in, put_aside


@dataclass(frozen=True, slots=True)
class Stored:
    """One event and its number in the store; numbers grow."""

    id: int
    payload: bytes


class Outbox:
    """A bounded store of events; it belongs to the main thread. When ``capacity`` wait, the oldest goes and is counted.

    Memory has every event; the file is its copy. A disk that is full, or that can only be read, costs nothing until a
    restart; a damaged file is put aside and begun anew with what memory or the file still has. Neither stops anything:
    ``problem`` says it. Raises ``AffectdError`` if another process has the file.
    """

    def __init__(self, path: Path, *, capacity: int = 10_000) -> None:
        self._path, self._capacity = path, capacity
        self._waiting: OrderedDict[int, bytes] = OrderedDict()
        self._will: bytes | None = None
        self._last_number = 0
        self._dropped = self._begun_anew = 0
        self._damage = ""
        self._cause: Exception | None = None
        self._file: EventFile | None = None
        self._has_read = False
        self._open()
        if isinstance(self._cause, FileInUse):
            raise AffectdError(
                f"{path}: another affectd has this event store; stop it, or give each its own node.state_dir"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def depth(self) -> int:
        """Events that wait."""
        return len(self._waiting)

    @property
    def in_memory_only(self) -> int:
        """Events that wait and that a restart may lose."""
        return self.depth if self._cause else 0

    @property
    def dropped(self) -> int:
        """Events lost since the start."""
        return self._dropped

    @property
    def begun_anew(self) -> int:
        """How often the file was damaged since the start."""
        return self._begun_anew

    @property
    def problem(self) -> str:
        """What is wrong with the file, in words; empty when nothing is."""
        if self._cause is None:
            return self._damage
        trouble = (
            f"{self._path}: cannot keep events there ({self._cause}); they are in memory, where a restart loses them"
        )
        return f"{trouble}; {self._damage}" if self._damage else trouble

    def add(self, payload: bytes, will: bytes | None = None) -> int:
        """Keep one event; its number. ``will`` is the event that follows if this life ends without a word."""
        self._will = will
        self._last_number = number = self._last_number + 1
        self._waiting[number] = payload
        oldest = self._drop_oldest() if self.depth > self._capacity else None
        self._write(lambda file: file.add(number, payload, will, instead_of=oldest))
        return number

    def leave(self, will: bytes) -> None:
        """A newer event that follows if this life ends without a word."""
        self._will = will
        self._write(lambda file: file.leave(will))

    def after(self, number: int, limit: int) -> list[Stored]:
        """The oldest events with a number above ``number``, at most ``limit``."""
        return [Stored(*item) for item in islice((i for i in self._waiting.items() if i[0] > number), limit)]

    def forget(self, number: int) -> None:
        """The broker has it."""
        if self._waiting.pop(number, None) is not None:
            self._write(lambda file: file.remove(number))

    def give_up(self, number: int) -> None:
        """Nobody can read it: it counts as lost."""
        self._dropped += number in self._waiting
        self.forget(number)

    def mend(self) -> None:
        """Try again what could not be written, and look whether the file is still there; call it now and then."""
        if self._file is not None and not self._file.is_in_place:
            self._let_go(FileUnusable("it was deleted"))
        if self._cause is None:
            return
        if self._file is None:
            self._open()
        else:
            self._cause = None
            self._rewrite()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def _drop_oldest(self) -> int:
        number, _ = self._waiting.popitem(last=False)
        self._dropped += 1
        return number

    def _open(self) -> None:
        """Open the file and write down what memory has, after what an earlier life left there."""
        try:
            self._file, self._cause = EventFile(self._path), None
            left = self._file.load()
            self._take_over(left)
            if left or self._waiting:
                self._file.rewrite(self._waiting, self._will)
        except FileInUse as error:
            self._let_go(error)
        except FileUnusable as error:
            self._let_go(error)
            self._take_over(left_in(self._path))
        except FileDamaged as error:
            self._take_over(left_in(self._path))
            self._begin_anew(error)

    def _take_over(self, left: list[bytes] | None) -> None:
        if self._has_read or left is None:
            return
        self._has_read = True
        for payload in left:
            self._last_number += 1
            self._waiting[self._last_number] = payload
        while self.depth > self._capacity:
            self._drop_oldest()

    def _begin_anew(self, damage: FileDamaged) -> None:
        self.close()
        self._begun_anew += 1
        self._damage = f"{self._path}: was damaged ({damage}) and is begun anew"
        try:
            aside = put_aside(self._path)
            self._damage += f", the old one is kept as {aside.name}; is the card worn out?"
            self._file, self._cause = EventFile(self._path), None
            self._file.rewrite(self._waiting, self._will)
        except (OSError, FileUnusable, FileDamaged) as error:
            self._let_go(error)

    def _let_go(self, cause: Exception) -> None:
        self.close()
        self._file, self._cause = None, cause

    def _rewrite(self) -> None:
        self._write(lambda file: file.rewrite(self._waiting, self._will))

    def _write(self, change: Callable[[EventFile], None]) -> None:
        if self._file is None or self._cause is not None:
            return
        try:
            change(self._file)
        except FileUnusable as error:
            self._cause = error
        except FileDamaged as error:
            self._begin_anew(error)
