"""The state folder: what a restart must find, the requested privacy, events that were not delivered, former names."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from device.appliance.privacy import PrivacyFlag
from device.publish.identities import Identities, Identity
from device.publish.outbox import Outbox


class StateFolder:
    """Its three files. One that cannot be made or written stops nothing: ``problem`` says what a restart loses.

    Raises ``AffectdError`` if another process has the folder.
    """

    def __init__(self, folder: Path, now: Identity) -> None:
        with suppress(OSError):  # each file says it
            folder.mkdir(parents=True, exist_ok=True)
        self.privacy = PrivacyFlag(folder / "privacy")
        self.privacy.secure()
        self.events = Outbox(folder / "events.sqlite")
        self.identities = Identities(folder / "identities.json", now)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.events.close()

    @property
    def problem(self) -> str:
        """What is wrong, in words; empty when nothing is."""
        return "; ".join(filter(None, (self.privacy.problem, self.events.problem, self.identities.problem)))

    def mend(self) -> None:
        """Try again what could not be written; call it now and then."""
        self.privacy.secure()
        self.events.mend()
        self.identities.mend()
