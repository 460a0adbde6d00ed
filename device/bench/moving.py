"""Pictures for the benchmarks: one with a face, made a stream in which nothing is saved because nothing moves."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np
from numpy.typing import NDArray

from device.signals import Frame

FRAME_NS = 100_000_000
_SHIFT_PX = 3
_BRIGHTER = 6
"""Grey levels: more than what is not read again."""


def moving_frames(grey: NDArray[np.uint8]) -> Iterator[Frame]:
    """Ten a second without end; the picture, uint8 (height, width), goes to and fro and grows brighter and darker."""
    there = np.roll(grey, _SHIFT_PX, axis=1)
    brighter = np.asarray(np.minimum(there, 255 - _BRIGHTER) + _BRIGHTER, dtype=np.uint8)
    for number in count():
        yield Frame(number * FRAME_NS, brighter if number % 2 else grey)
