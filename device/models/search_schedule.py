"""How often a picture without a tracked face is searched: at once where something moves, seldom in an empty room."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device.features.motion import MotionDetector

_ALERT_NS = 1_000_000_000
"""So long after the last motion each frame is searched: each view of a picture of 640 × 480 has its turn meanwhile."""
_STILL_LOOK_NS = 500_000_000
"""Between looks at a still picture, one view each."""
_EMPTY_NS = 60_000_000_000
_EMPTY_LOOK_NS = 5_000_000_000
"""After a minute without motion the looks are only for what the motion detector might have missed."""


class SearchSchedule:
    """When to search frames in which nobody is tracked. It belongs to one stream and reads no clock."""

    def __init__(self) -> None:
        self._moves = MotionDetector()
        self._moved_ns = self._looked_ns = 0

    def alert(self, now_ns: int) -> None:
        """Search each frame of the next second: somebody was there a moment ago."""
        self._moved_ns = now_ns

    def full(self, grey: NDArray[np.uint8], now_ns: int) -> bool:
        """Whether something moves or just moved, so that this frame is worth a full search. Ask once a frame."""
        if self._moves(grey, now_ns):
            self._moved_ns = now_ns
        is_full = 0 <= now_ns - self._moved_ns <= _ALERT_NS
        if is_full:
            self._looked_ns = now_ns
        return is_full

    def look(self, now_ns: int) -> bool:
        """Whether a look into one view of a still picture is due."""
        still_ns = now_ns - self._moved_ns
        every_ns = _STILL_LOOK_NS if still_ns < _EMPTY_NS or self._moves.is_masked else _EMPTY_LOOK_NS
        is_due = now_ns - self._looked_ns >= every_ns
        if is_due:
            self._looked_ns = now_ns
        return is_due
