"""Flood detection for what is heard. Stepped by the times it is given; it reads no clock."""

from __future__ import annotations

_MAX_A_SECOND = 50
"""No household asks that often. Answers to more take the network's thread the time for anything else."""

_PAUSE_S = 30.0
_SECOND_NS = 1_000_000_000


class Flood:
    """Flood detector: a pause of ``pause_s`` when more than ``most_a_second`` messages have come within a second."""

    def __init__(self, *, most_a_second: int = _MAX_A_SECOND, pause_s: float = _PAUSE_S) -> None:
        self._most, self._pause_ns = most_a_second, round(pause_s * 1e9)
        self._since_ns, self._before = 0, 0
        self._until_ns: int | None = None

    @property
    def is_on(self) -> bool:
        """Whether there is a flood: the pause lasts."""
        return self._until_ns is not None

    def restart(self, arrived: int, now_ns: int) -> None:
        """There is a new connection, which listens."""
        self._since_ns, self._before, self._until_ns = now_ns, arrived, None

    def step(self, arrived: int, now_ns: int) -> bool | None:
        """``False``: listen no more; ``True``: listen again; ``None``: as before. ``arrived`` counts from the start."""
        if self._until_ns is not None:
            if now_ns < self._until_ns:
                return None
            self.restart(arrived, now_ns)
            return True
        if arrived - self._before > self._most:
            self._until_ns = now_ns + self._pause_ns
            return False
        if now_ns - self._since_ns >= _SECOND_NS:
            self.restart(arrived, now_ns)
        return None
