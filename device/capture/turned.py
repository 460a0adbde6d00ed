"""Rotation and mirroring for a camera that does not hang upright, or that looks into a mirror."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from device.capture.through import Through
from device.signals import Frame
from device.stages import Source

_ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_LEFT_TO_RIGHT = 1


class Turned(Through[Frame]):
    """Each picture turned clockwise by ``turn`` degrees, then mirrored left to right."""

    def __init__(self, source: Source[Frame], *, turn: int, mirror: bool) -> None:
        super().__init__(source)
        self._turn, self._mirror = turn, mirror

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._source:
            yield replace(frame, grey=turned(frame.grey, self._turn, mirror=self._mirror))


def upright(source: Source[Frame], *, turn: int, mirror: bool) -> Source[Frame]:
    """The source, with its pictures turned and mirrored if there is anything to do."""
    return Turned(source, turn=turn, mirror=mirror) if turn or mirror else source


def turned(grey: NDArray[np.uint8], turn: int, *, mirror: bool = False) -> NDArray[np.uint8]:
    """The picture, uint8 (height, width), turned clockwise by 0, 90, 180 or 270 degrees and then mirrored."""
    if turn:
        grey = np.asarray(cv2.rotate(grey, _ROTATIONS[turn]), dtype=np.uint8)
    return np.asarray(cv2.flip(grey, _LEFT_TO_RIGHT), dtype=np.uint8) if mirror else grey
