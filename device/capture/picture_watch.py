"""Pictures that come and show nothing: a camera that repeats one for ever, and a lens that is covered.

A sensor's noise makes two pictures of the same scene differ, and whoever sits still breathes: a picture that is equal
to the one before, byte by byte, for seconds, was not taken anew.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from device.arrays import GreyArray
from device.capture.through import Through
from device.signals import Frame
from device.stages import Source

_PATIENCE_S = 10.0
"""How long pictures may be the same or black: a codec may skip a still scene until its next whole picture."""

FROZEN = f"the picture has not changed for {_PATIENCE_S:g} s: the camera repeats it; restart the camera"
BLACK = f"the picture has been black for {_PATIENCE_S:g} s: is the lens covered, or the room dark?"

# A covered lens gives the sensor's noise, lifted by full gain: in a simulation with a black level up to 30, a noise of
# up to 15 (both of 255) and a slope of 4 across the picture, cells differ by 8 at most. In the demo's clips, darkened
# as far as their faces are still found, they differ by 8 and more; what is read from the darkest has quality 0.
_BLACK_MEAN = 40.0
_BLACK_RANGE = 9.0
_CELLS = (32, 24)
_SAMPLE = 16  # every 16th row and column is looked at first: all that most pictures cost


class PictureWatch:
    """Fault detector of pictures: whether they are to be believed. It is stepped by their times, without a clock."""

    def __init__(self) -> None:
        self._last: GreyArray | None = None
        self._changed_ns = self._lit_ns = self._now_ns = 0

    def see(self, captured_ns: int, grey: GreyArray) -> None:
        """Take the next picture in, uint8 (height, width); it must not be changed later."""
        is_first, self._now_ns = self._last is None, captured_ns
        if is_first or not _equal(grey, self._last):
            self._changed_ns = captured_ns
        if is_first or not is_black(grey):
            self._lit_ns = captured_ns
        self._last = grey

    @property
    def warning(self) -> str:
        """Why the pictures are not to be believed; empty if they are."""
        if self._now_ns - self._lit_ns >= _PATIENCE_S * 1e9:
            return BLACK
        return FROZEN if self._now_ns - self._changed_ns >= _PATIENCE_S * 1e9 else ""


class WatchedPictures(Through[Frame]):
    """A camera that says of itself when its pictures are frozen or black."""

    def __init__(self, source: Source[Frame]) -> None:
        super().__init__(source)
        self._watch = PictureWatch()

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._source:
            self._watch.see(frame.captured_ns, frame.grey)
            yield frame

    @property
    def warning(self) -> str:
        """What is wrong with the pictures, or else with the wrapped source."""
        return self._watch.warning or self._source.warning

    @property
    def blind(self) -> bool:
        """Whether the pictures show nothing that is to be believed."""
        return bool(self._watch.warning) or self._source.blind


def is_black(grey: GreyArray) -> bool:
    """Whether a picture, uint8 (height, width), is dark and as good as uniform, save for noise."""
    if grey[::_SAMPLE, ::_SAMPLE].mean() >= _BLACK_MEAN:
        return False
    cells = cv2.resize(grey, _CELLS, interpolation=cv2.INTER_AREA)
    return float(np.ptp(cells)) < _BLACK_RANGE


def _equal(one: GreyArray, other: GreyArray | None) -> bool:
    if other is None or one.shape != other.shape:
        return False
    sample = slice(None, None, _SAMPLE)
    return np.array_equal(one[sample, sample], other[sample, sample]) and np.array_equal(one, other)
