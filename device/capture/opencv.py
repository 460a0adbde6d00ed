"""Shared parts of the sources that use OpenCV: quiet it, make a picture grey, thin out frames."""

from __future__ import annotations

import os

import cv2
import numpy as np
from numpy.typing import NDArray

from device.readings import NS_PER_S

# Read by OpenCV at its first capture. Without them a camera that went away writes its codec's complaints into the
# journal for ever, and an unplugged USB camera blocks each read for 10 s.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")


def to_grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey uint8 (height, width) of what a capture gives: grey, BGR or BGRA."""
    if picture.ndim == 2:
        return picture
    code = {1: None, 3: cv2.COLOR_BGR2GRAY, 4: cv2.COLOR_BGRA2GRAY}[picture.shape[2]]
    return picture[:, :, 0] if code is None else np.asarray(cv2.cvtColor(picture, code), dtype=np.uint8)


class FrameRate:
    """Frame-rate limiter: which frames to keep so that about ``rate_hz`` of them a second remain; ``None`` keeps all.

    Frames may come early by a quarter of a period, so a camera that already runs at this rate loses none.
    """

    def __init__(self, rate_hz: float | None) -> None:
        self._period_ns = round(NS_PER_S / rate_hz) if rate_hz else 0
        self._due_ns: int | None = None

    def keeps(self, time_ns: int) -> bool:
        """Whether the frame of this moment is one to keep; times rise from call to call."""
        if self._due_ns is not None and time_ns < self._due_ns - self._period_ns // 4:
            return False
        due_ns = time_ns if self._due_ns is None else self._due_ns
        self._due_ns = max(due_ns + self._period_ns, time_ns)
        return True
