"""Display orientation of a picture, as EXIF or a film's display matrix says."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from device.arrays import GreyArray
from device.capture.turned import turned

AS_STORED = 1
"""EXIF's orientation of a picture whose first row is its upper edge and whose first column is its left one."""
_TURNS: Mapping[int, tuple[int, bool]] = {
    2: (0, True),
    3: (180, False),
    4: (180, True),
    5: (90, True),
    6: (90, False),
    7: (270, True),
    8: (270, False),
}
"""By EXIF's number: degrees clockwise, and whether it is mirrored then."""
_BY_AXES: Mapping[tuple[int, int, int, int], int] = {
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}
"""Where a display matrix takes the stored picture's rightward and downward directions, as (x, y, x, y)."""
_NARROWEST, _WIDEST = 1 / 4, 4.0
"""Widths of pixels by their heights; beyond, a damaged head is more likely than such a film."""


def as_shown(grey: GreyArray, orientation: int) -> GreyArray:
    """The picture turned and mirrored by EXIF's orientation, 1 to 8; as it is for any other number."""
    turn, mirror = _TURNS.get(orientation, (0, False))
    return turned(grey, turn, mirror=mirror)


def orientation_of(display_matrix: bytes) -> int:
    """EXIF's number for libav's display matrix, nine int32; ``AS_STORED`` for what is no multiple of 90°."""
    right_x, right_y, _, down_x, down_y = np.frombuffer(display_matrix, dtype=np.int32, count=5)
    x, y, u, v = (int(np.sign(part)) for part in (right_x, right_y, down_x, down_y))
    return _BY_AXES.get((x, y, u, v), AS_STORED)


def with_square_pixels(grey: GreyArray, pixel_width: float) -> GreyArray:
    """A picture whose pixels are ``pixel_width`` times as wide as high, stretched to what was seen."""
    if not _NARROWEST <= pixel_width <= _WIDEST or pixel_width == 1:
        return grey
    height, width = grey.shape
    size = (round(width * pixel_width), height) if pixel_width > 1 else (width, round(height / pixel_width))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
