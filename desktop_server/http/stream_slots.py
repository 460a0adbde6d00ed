"""Stream slots: how many live streams may be open, in all and of one client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from desktop_server.schema.problems import RequestError


class StreamSlots:
    """``count`` slots in all, of which one client, a token or an address, may hold ``per_client``.

    Used from the event loop only.
    """

    def __init__(self, *, count: int, per_client: int) -> None:
        self._count, self._per_client = count, per_client
        self._held: Counter[str] = Counter()

    @contextmanager
    def hold(self, client: str) -> Iterator[None]:
        """A slot, while this lasts. Raises ``RequestError`` (``busy``, ``too-many-streams``)."""
        if self._held.total() >= self._count:
            raise RequestError("busy", f"{self._count} streams are open; try again later")
        if self._held[client] >= self._per_client:
            raise RequestError("too-many-streams", f"{self._per_client} streams of yours are open; close one first")
        self._held[client] += 1
        try:
            yield
        finally:
            self._held[client] -= 1
            self._held += Counter()  # without those that hold none
