"""Whether the work on a request is still wanted."""

from __future__ import annotations

from dataclasses import dataclass

from desktop_server.errors import RequestError


@dataclass(slots=True, eq=False)
class Cancellation:
    """Set from the event loop, looked at by the thread that works."""

    is_cancelled: bool = False

    def cancel(self) -> None:
        """Nobody waits for the answer any more."""
        self.is_cancelled = True

    def check(self) -> None:
        """Raises ``RequestError`` (``client-gone``) once it is cancelled."""
        if self.is_cancelled:
            raise RequestError("client-gone", "the connection ended before the answer was there")
