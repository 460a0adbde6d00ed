"""Pictures and films from files, through OpenCV, as grey uint8."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from device.capture.opencv import NS_PER_S, FrameRate, to_grey
from device.errors import MediaError

SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm", ".pnm", ".jp2"]
)
"""Formats of 8 and 16 bits; those of floats (.hdr, .exr, .pfm) have no white that a grey byte could mean."""
USUAL_RATES_HZ = (1.0, 240.0)
FALLBACK_RATE_HZ = 25.0

Grey = NDArray[np.uint8]


def is_picture(path: Path) -> bool:
    """Whether the name is that of a picture."""
    return path.suffix.lower() in SUFFIXES


def read_picture(path: Path) -> Grey:
    """A picture turned as its EXIF says, 16 bits brought to 8, transparency ignored. Raises ``MediaError``."""
    try:
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    except cv2.error as error:
        raise MediaError(f"{path}: the picture is too large or damaged ({error.err}); export it smaller") from error
    if picture is None or not picture.size:
        raise MediaError(f"{path}: the picture cannot be read; is it damaged, or another kind of file?")
    return np.asarray(picture, dtype=np.uint8)


def pictures_in(folder: Path) -> tuple[Path, ...]:
    """A folder's pictures in the order that people count: 2.png before 10.png. Raises ``MediaError`` if none."""
    found = [p for p in folder.iterdir() if is_picture(p) and p.is_file() and not p.name.startswith(".")]
    if not found:
        raise MediaError(f"{folder}: no pictures in this folder; name the films or sounds in it one by one")
    return tuple(sorted(found, key=_natural))


def film_frames(path: Path, *, start_ns: int, length_ns: int, rate_hz: float | None) -> Iterator[tuple[int, Grey]]:
    """Time from the file's start and picture of a film's frames, about ``rate_hz`` of them a second (``None``: all).

    Turned as the film says. A damaged film is played as far as it goes. Raises ``MediaError`` if that is nothing.
    """
    capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
    shown = 0
    try:
        rate = FrameRate(rate_hz)
        for time_ns in _grabbed(capture, start_ns, length_ns):
            if rate.keeps(time_ns):
                taken, picture = capture.retrieve()
                if taken and picture.size:
                    shown += 1
                    yield time_ns, to_grey(picture)
    finally:
        capture.release()
    if not shown:
        raise MediaError(f"{path}: none of its pictures can be decoded; record or export it again")


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
            said_ns = start_ns + round((position_ms - first_ms) * 1e6)
            last_ns = next_time_ns(said_ns, last_ns, step_ns, length_ns)
        yield last_ns


def next_time_ns(said_ns: int, last_ns: int, step_ns: int, length_ns: int) -> int:
    """The time a frame says, or one step after the last one if what it says cannot be: not later, or past the end."""
    return said_ns if last_ns < said_ns <= max(length_ns, last_ns + step_ns) else last_ns + step_ns


def _rate_hz(said_hz: float) -> float:
    low, high = USUAL_RATES_HZ
    return said_hz if low <= said_hz <= high else FALLBACK_RATE_HZ


def _natural(path: Path) -> list[tuple[int, str]]:
    # Numbers count as numbers, the rest as text; the second part keeps 01 and 1 apart.
    return [(int(part), part) if part.isdecimal() else (-1, part.casefold()) for part in re.split(r"(\d+)", path.name)]
