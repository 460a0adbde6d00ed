"""Point tracking by pyramidal Lucas–Kanade optical flow (Bouguet 2001): a face's key points from picture to picture.

It costs a thirtieth of the detector. What it cannot know is whether it still follows the face: points stick to the
background behind a face that is gone. So it follows for a few pictures only, and all points together must keep the
shape that the detector saw, turned, moved and scaled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from device.features.face import EYE_DISTANCE_PX

_PATCH_PX = 96
_PATCH_WIDTHS = 1.8
"""Side of the patch in which points are followed, by the face's width."""
_WINDOW_PX = 15
_PYRAMID_LEVELS = 2
"""Above the patch itself: movements of some 40 px of the patch are within reach, half of a face's width."""
_MAX_SHAPE_CHANGE_PX = 1.0
"""In pixels of the face net's 48. Without a bound points were up to 28 pixels off where a face crossed the picture."""
_MIN_LIGHT = 48.0
"""Mean grey level of the patch, of 255: in the dark noise moves the points."""

Points = NDArray[np.float32]
"""(n, 2): x and y in pixels of the picture; the right eye first, then the left."""


@dataclass(frozen=True, eq=False, slots=True)
class Similarity:
    """Rotation, scale and shift of the plane: (x, y) to ``matrix`` (2, 3) times (x, y, 1)."""

    matrix: NDArray[np.float64]

    @property
    def scale(self) -> float:
        """By how much lengths grow."""
        return math.hypot(self.matrix[0, 0], self.matrix[1, 0])

    def __call__(self, points: Points) -> Points:
        """The points moved, (n, 2)."""
        return np.asarray(points @ self.matrix[:, :2].T + self.matrix[:, 2], dtype=np.float32)

    @classmethod
    def between(cls, start: Points, end: Points) -> Self:
        """The one that brings ``start`` to ``end`` with the least squares (Umeyama 1991, in the plane)."""
        from_middle, to_middle = start.mean(axis=0), end.mean(axis=0)
        a, b = start - from_middle, end - to_middle
        spread = max(float((a**2).sum()), 1e-9)
        cos = float((a * b).sum()) / spread
        sin = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread
        turn = np.array([[cos, -sin], [sin, cos]])
        return cls(np.column_stack([turn, to_middle - turn @ from_middle]))


class PointTracker:
    """The key points of one face, followed from the picture in which a detector saw them."""

    def __init__(self, grey: NDArray[np.uint8], points: Points, width_px: float) -> None:
        """``grey``: uint8 (height, width). ``width_px``: the face's."""
        self._key, self._points = points, points
        self._side_px = _PATCH_WIDTHS * width_px
        self._patch, self._origin = self._cut(grey)

    def follow(self, grey: NDArray[np.uint8]) -> Similarity | None:
        """From the detector's picture to this one; ``None`` if it is too dark, or the points lost their shape."""
        patch, origin = _patch(grey, self._origin, self._side_px), self._origin
        if patch is None or self._patch is None or patch.mean() < _MIN_LIGHT:
            return None
        to_patch = np.float32(_PATCH_PX / self._side_px)
        before = (self._points - origin) * to_patch
        after, found, _ = cv2.calcOpticalFlowPyrLK(
            self._patch, patch, before, None, winSize=(_WINDOW_PX, _WINDOW_PX), maxLevel=_PYRAMID_LEVELS
        )
        if not found.all():
            return None
        points = np.asarray(after / to_patch + origin, dtype=np.float32)
        moved = Similarity.between(self._key, points)
        if _shape_change_px(moved(self._key), points) > _MAX_SHAPE_CHANGE_PX:
            return None
        self._points = points
        self._patch, self._origin = self._cut(grey)
        return moved

    def _cut(self, grey: NDArray[np.uint8]) -> tuple[NDArray[np.uint8] | None, Points]:
        origin = np.asarray(self._points.mean(axis=0) - self._side_px / 2, dtype=np.float32)
        return _patch(grey, origin, self._side_px), origin


def _patch(grey: NDArray[np.uint8], origin: Points, side_px: float) -> NDArray[np.uint8] | None:
    """The square of the picture from ``origin`` on, (96, 96); its border goes on beyond the picture's."""
    if grey.size == 0:
        return None
    scale = side_px / _PATCH_PX
    # Pixel centres lie at whole numbers of the patch's grid as of the picture's.
    matrix = np.array([[scale, 0, origin[0]], [0, scale, origin[1]]], dtype=np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    patch = cv2.warpAffine(grey, matrix, (_PATCH_PX, _PATCH_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(patch, dtype=np.uint8)


def _shape_change_px(expected: Points, found: Points) -> float:
    """Of the point that is furthest off, in pixels of the face net's 48."""
    eyes_px = max(float(np.hypot(*(expected[1] - expected[0]))), 1e-6)
    return float(np.hypot(*(found - expected).T).max()) * EYE_DISTANCE_PX / eyes_px
