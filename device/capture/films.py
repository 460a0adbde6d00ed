"""Films from files, through OpenCV, as grey uint8."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2

from device.arrays import GreyArray
from device.capture.container import Shape, film_shape
from device.capture.display import AS_STORED, as_shown, with_square_pixels
from device.capture.memory import within_memory
from device.capture.opencv import FrameRate, to_grey
from device.errors import MediaError
from device.readings import NS_PER_S

USUAL_RATES_HZ = (1.0, 240.0)
FALLBACK_RATE_HZ = 25.0
_TURNS = {90: 6, 180: 3, 270: 8}
"""EXIF's numbers for OpenCV's degrees, clockwise."""
_TURNS_OF_4_6 = {90: 8, 180: 3, 270: 6}
"""OpenCV 4.6, which Debian 12 has, tells and turns the other way (opencv issue 22088)."""


def film_frames(path: Path, *, start_ns: int, length_ns: int, rate_hz: float | None) -> Iterator[tuple[int, GreyArray]]:
    """Time from the file's start and picture of a film's frames, about ``rate_hz`` of them a second (``None``: all).

    Upright and with square pixels. A damaged film is played as far as it goes. Raises ``MediaError`` if that is
    nothing.
    """
    shape = film_shape(path)
    with within_memory(path):
        capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)  # its versions differ in what they turn, and which way
    orientation = _orientation(shape, capture)
    shown = 0
    try:
        rate = FrameRate(rate_hz)
        for time_ns in _grabbed(capture, start_ns, length_ns):
            if rate.keeps(time_ns):
                taken, picture = capture.retrieve()
                if taken and picture.size:
                    shown += 1
                    yield time_ns, as_shown(with_square_pixels(to_grey(picture), shape.pixel_width), orientation)
    finally:
        capture.release()
    if not shown:
        raise MediaError(f"{path}: none of its pictures can be decoded; record or export it again")


def _orientation(shape: Shape, capture: cv2.VideoCapture) -> int:
    """EXIF's number. FFmpeg before 6.1 gives PyAV no display matrix; OpenCV sees it then."""
    if shape.orientation != AS_STORED:
        return shape.orientation
    turns = _TURNS_OF_4_6 if cv2.__version__.startswith("4.6.") else _TURNS
    return turns.get(round(capture.get(cv2.CAP_PROP_ORIENTATION_META)), AS_STORED)


def _grabbed(capture: cv2.VideoCapture, start_ns: int, length_ns: int) -> Iterator[int]:
    """Grab frame by frame and give each one's time."""
    step_ns = round(NS_PER_S / _rate_hz(capture.get(cv2.CAP_PROP_FPS)))
    last_ns: int | None = None
    first_ms = 0.0
    while capture.grab():
        position_ms = capture.get(cv2.CAP_PROP_POS_MSEC)
        if last_ns is None:
            first_ms, last_ns = position_ms, start_ns
        else:
            stamp_ns = start_ns + round((position_ms - first_ms) * 1e6)
            last_ns = next_time_ns(stamp_ns, last_ns, step_ns, length_ns)
        yield last_ns


def next_time_ns(stamp_ns: int, last_ns: int, step_ns: int, length_ns: int) -> int:
    """The time a frame says, or one step after the last one if what it says cannot be: not later, or past the end."""
    return stamp_ns if last_ns < stamp_ns <= max(length_ns, last_ns + step_ns) else last_ns + step_ns


def _rate_hz(said_hz: float) -> float:
    low, high = USUAL_RATES_HZ
    return said_hz if low <= said_hz <= high else FALLBACK_RATE_HZ
