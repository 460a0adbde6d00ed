"""Motion detection: whether anything moves in a stream of pictures, by background subtraction on a thumbnail.

Each cell of an 80 pixel wide thumbnail is compared with its running mean. What makes cells change all the time (a fan,
a screen, a camera that trembles) raises their own variance, so that it is motion only at first. A change of the
light, of the exposure or a lamp's flicker, in bands where the sensor has a rolling shutter, scales whole rows: each
row's median ratio is taken out first.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from device.arrays import FloatArray

_THUMBNAIL_PX = 80
"""Longer side. In a picture of 640 pixels a face two metres away covers some 30 cells."""
_MEAN_S = 2.0
"""Time constant of the background: what has moved and stands still is motion for a few seconds."""
_NOISE_S = 5.0
_MIN_CHANGE = 4.0
"""In grey levels of 255. A cell of 8 × 8 pixels averages a sensor's noise of 8 levels to 1."""
_NOISE_FACTOR = 3.0
"""Standard deviations; what happens in a ninth of all frames or more is no motion any longer."""
_MIN_CELLS = 3
_MASKING_NOISE = 6.0
"""Standard deviation in grey levels: three of them are what a face may differ by from what is behind it."""
_NEIGHBOURHOOD = np.ones((5, 5), dtype=np.uint8)


class MotionDetector:
    """Background model of one stream of grey pictures, stepped by their timestamps; it reads no clock."""

    def __init__(self) -> None:
        self._background: FloatArray | None = None
        self._variance: FloatArray = np.zeros((0, 0), dtype=np.float32)
        self._last_ns = 0

    @property
    def is_masked(self) -> bool:
        """Whether something moves so much all the time that a face before it would not be motion."""
        return bool(np.count_nonzero(self._variance > _MASKING_NOISE**2) >= _MIN_CELLS)

    def __call__(self, grey: NDArray[np.uint8], captured_ns: int) -> bool:
        """Whether anything moves in this picture, uint8 (height, width); the first one, or one after a gap, moves."""
        cells = _thumbnail(grey)
        elapsed_s = (captured_ns - self._last_ns) / 1e9
        self._last_ns = captured_ns
        if self._background is None or self._background.shape != cells.shape or not 0 <= elapsed_s <= _MEAN_S:
            self._background, self._variance = cells, np.zeros_like(cells)
            return True
        change = np.abs(cells - self._background * _row_gain(cells, self._background))
        noise = _noise(self._variance, change)
        moving = np.count_nonzero(change > _MIN_CHANGE + _NOISE_FACTOR * noise)
        self._variance += _weight(elapsed_s, _NOISE_S) * (change**2 - self._variance)
        self._background = self._background + _weight(elapsed_s, _MEAN_S) * (cells - self._background)
        return bool(moving >= min(_MIN_CELLS, cells.size))


def _thumbnail(grey: NDArray[np.uint8]) -> FloatArray:
    """Means of cells, float32 (rows, columns) from 1, so that they can be divided by; empty where no pixels are."""
    if grey.size == 0:
        return np.zeros((0, 0), dtype=np.float32)
    height, width = grey.shape
    scale = min(1.0, _THUMBNAIL_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    cells = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cells, dtype=np.float32) + np.float32(1)


def _noise(variance: FloatArray, change: FloatArray) -> FloatArray:
    """Standard deviation of the change around each cell: what sweeps over a place may seldom touch one cell of it.

    At least what half of the picture changes by at this moment, which is a sensor's noise in the dark or a jolt.
    """
    if variance.size == 0:
        return variance
    around = cv2.dilate(np.sqrt(variance), _NEIGHBOURHOOD)
    return np.asarray(np.maximum(around, np.median(change)), dtype=np.float32)


def _row_gain(cells: FloatArray, background: FloatArray) -> FloatArray:
    """How much brighter each row has become, (rows, 1)."""
    if cells.size == 0:
        return np.ones((0, 1), dtype=np.float32)
    return np.asarray(np.median(cells / background, axis=1, keepdims=True), dtype=np.float32)


def _weight(elapsed_s: float, time_constant_s: float) -> np.float32:
    """Weight of the newest value in an exponential mean."""
    return np.float32(1 - math.exp(-elapsed_s / time_constant_s))
