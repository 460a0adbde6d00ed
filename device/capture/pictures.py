"""Pictures from files, through OpenCV, as grey uint8. What a file is, its content says and not its name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from device.arrays import GreyArray
from device.capture.display import AS_STORED, as_shown
from device.capture.kinds import EXPORT, HEIF, kind_of_file
from device.capture.memory import within_memory
from device.capture.orientation import tiff_as_stored, webp_orientation
from device.errors import MediaError

SUFFIXES = frozenset(
    [
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".pjpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"),
        *(".pgm", ".ppm", ".pnm", ".jp2"),
    ]
)
"""Formats of 8 and 16 bits; those of floats (.hdr, .exr, .pfm) have no white that a grey byte could mean."""


MAX_SCANS = 100
"""Progressive JPEGs have about ten. Each goes through the whole picture; thousands keep a processor busy."""
_SCAN = b"\xff\xda"
"""Where one begins; in a picture's data no other byte than 0 may follow 255."""


def has_picture_name(path: Path) -> bool:
    """Whether a file is called like a picture, whatever it is."""
    return path.suffix.lower() in SUFFIXES


def read_picture(path: Path) -> GreyArray:
    """A picture of any kind, turned as its EXIF says, 16 bits brought to 8, transparency ignored.

    A JPEG that breaks off is read as far as it goes. Raises ``MediaError``.
    """
    try:
        with within_memory(path):
            picture = _read(path, kind_of_file(path))
    except OSError as error:
        raise MediaError(f"{path}: cannot be read ({error.strerror}); check the name and its permissions") from error
    except cv2.error as error:
        raise MediaError(f"{path}: the picture is too large or damaged ({error.err}); export it smaller") from error
    if picture is None or not picture.size:
        raise MediaError(f"{path}: the picture cannot be read; is it damaged, or another kind of file?")
    return picture


def _read(path: Path, kind: str) -> GreyArray | None:
    """JPEG and PNG are turned by OpenCV; the others by hand, for its versions differ."""
    if kind == HEIF:
        raise MediaError(f"{path}: a {HEIF} picture, which is not read here; {EXPORT}")
    if kind == "JPEG" and path.read_bytes().count(_SCAN) > MAX_SCANS:
        raise MediaError(f"{path}: the picture comes in more than {MAX_SCANS} scans; export it again")
    if kind == "TIFF":
        data, orientation = tiff_as_stored(path.read_bytes())
        return _shown(cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_GRAYSCALE), orientation)
    if kind == "WebP":
        stored = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
        return _shown(stored, webp_orientation(path.read_bytes()))
    # Not from memory: there OpenCV refuses a JPEG that breaks off.
    return _shown(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), AS_STORED)


def _shown(stored: Any, orientation: int) -> GreyArray | None:
    return None if stored is None else as_shown(np.asarray(stored, dtype=np.uint8), orientation)


def pictures_in(folder: Path) -> tuple[Path, ...]:
    """A folder's pictures in the order that people count: 2.png before 10.png. Raises ``MediaError`` if none."""
    found = [p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".") and _is_picture(p)]
    if not found:
        raise MediaError(f"{folder}: no pictures in this folder; name the films or sounds in it one by one")
    return tuple(sorted(found, key=lambda path: natural_order(path.name)))


def _is_picture(path: Path) -> bool:
    """By name or by content: what is called one and is none is to be told of when it is reached."""
    return has_picture_name(path) or bool(kind_of_file(path))


def natural_order(name: str) -> list[tuple[int, str]]:
    """A name as a key of the order that people count in: numbers count as numbers, the rest as text."""
    # The second part keeps 01 and 1 apart.
    return [(int(part), part) if part.isdecimal() else (-1, part.casefold()) for part in re.split(r"(\d+)", name)]
