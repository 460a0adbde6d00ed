"""What a restart must find: the privacy wish, and events that were not delivered."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from device.privacy import PrivacyFlag
from device.publish.outbox import Outbox


class StateFolder:
    """The folder's two files. One that cannot be made or written stops nothing: ``problem`` says what a restart loses.

    Raises ``AffectdError`` if another process has the folder.
    """

    def __init__(self, folder: Path) -> None:
        with suppress(OSError):  # each file says it
            folder.mkdir(parents=True, exist_ok=True)
        self.privacy = PrivacyFlag(folder / "privacy")
        self.privacy.secure()
        self.events = Outbox(folder / "events.sqlite")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.events.close()

    @property
    def problem(self) -> str:
        """What is wrong, in words; empty when nothing is."""
        return "; ".join(filter(None, (self.privacy.problem, self.events.problem)))

    def mend(self) -> None:
        """Try again what could not be written; call it now and then."""
        self.privacy.secure()
        self.events.mend()
