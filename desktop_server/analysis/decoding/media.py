"""Uploaded media: their size is checked before they are decoded, and they are never on a disk.

The appliance's readers take a path, so bytes are put into an anonymous file that lives in memory and whose path is
``/proc/self/fd/N``; it is gone when it is closed.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from desktop_server.schema.problems import RequestError
from device.capture.kinds import EXPORT, HEAD_BYTES, HEIF, picture_kind
from device.capture.pictures import read_picture
from device.errors import MediaError

_PICTURES = ("JPEG", "PNG", "WEBP")
"""By Pillow's names; it only reads their heads here."""


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """What may be decoded: pixels of a picture or a film's frame, seconds of a recording or film."""

    pixels: int
    seconds: float


@contextmanager
def memory_file(data: bytes) -> Iterator[Path]:
    """The bytes as a file that is on no disk and has no name; gone when this ends."""
    number = os.memfd_create("affectd", os.MFD_CLOEXEC)
    try:
        with open(number, "wb", closefd=False) as file:
            file.write(data)
        yield Path(f"/proc/self/fd/{number}")
    finally:
        os.close(number)


def decode_picture(data: bytes, limits: MediaLimits) -> NDArray[np.uint8]:
    """A JPEG, PNG or WebP as grey uint8 (height, width), turned as its EXIF says. Raises ``RequestError``."""
    require_content(data)
    refuse_other_pictures(data)
    check_size(*_picture_size(data), limits.pixels)
    with memory_file(data) as path, as_request_errors("unreadable-picture"):
        return read_picture(path)


def require_content(data: bytes) -> None:
    """Raises ``RequestError`` for nothing."""
    if not data:
        raise RequestError("empty-media", "0 bytes came; record or copy it again")


def refuse_other_pictures(data: bytes) -> None:
    """Raises ``RequestError`` for a picture of a kind that is not read here, by the kind's name."""
    kind = "GIF" if data.startswith(b"GIF8") else picture_kind(data[:HEAD_BYTES])
    if kind and kind.upper() not in _PICTURES:
        remedy = EXPORT if kind == HEIF else "export it as one of these, or a GIF that moves as MP4"
        raise RequestError("unsupported-media", f"this is a {kind} picture; JPEG, PNG and WebP are read here: {remedy}")


def check_size(width: int, height: int, most_pixels: int) -> None:
    """Raises ``RequestError`` for too many pixels."""
    if width * height > most_pixels:
        raise RequestError(
            "too-many-pixels",
            f"there are {width} × {height} pixels; at most {most_pixels / 1e6:g} million are read: send it smaller",
        )


@contextmanager
def as_request_errors(code: str) -> Iterator[None]:
    """Turn the readers' errors into ``RequestError``, without a path that the sender never named."""
    try:
        yield
    except MediaError as error:
        raise RequestError(code, str(error).partition(": ")[2]) from error


def _picture_size(data: bytes) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(data), formats=_PICTURES) as picture:
            return picture.size
    except Image.DecompressionBombError as error:
        raise RequestError("too-many-pixels", "the picture has far too many pixels; send it smaller") from error
    except MemoryError:
        raise
    except Exception as error:  # a damaged head makes Pillow's readers raise nearly anything
        raise RequestError("unsupported-media", "this is no JPEG, PNG or WebP picture; send one of these") from error
