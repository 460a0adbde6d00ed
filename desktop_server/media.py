"""Uploaded media: known by their first bytes, measured before they are decoded, and never on a disk.

The appliance's readers take a path, so bytes are put into an anonymous file that lives in memory and whose path is
``/proc/self/fd/N``; it is gone when it is closed. Only formats that hold their own data are let through to the
decoders: a playlist (HLS, concat, SDP) would have FFmpeg open other files, or addresses, of the server's.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from desktop_server.errors import RequestError
from device.capture.container import contents
from device.capture.pictures import read_picture
from device.errors import MediaError

PICTURES = ("JPEG", "PNG", "WEBP")
"""By Pillow's names; it only reads their headers here."""
_RECORDINGS: tuple[tuple[int, bytes], ...] = (
    (0, b"RIFF"),
    (0, b"fLaC"),
    (0, b"OggS"),
    (0, b"ID3"),
    (0, b"\xff\xfb"),
    (0, b"\xff\xf3"),
    (0, b"\xff\xf2"),
    (0, b"\xff\xf1"),
    (0, b"\xff\xf9"),
    (0, b"\x1a\x45\xdf\xa3"),
    (4, b"ftyp"),
    (0, b"FLV"),
)
"""Where and how WAV, FLAC, Ogg, MP3, ADTS, Matroska and WebM, MP4, and FLV begin."""
RECORDINGS = "WAV, FLAC, Ogg, MP3, AAC, WebM, MP4 or FLV"


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
    _require_content(data)
    _check_size(*_picture_size(data), limits)
    with memory_file(data) as path, sender_sees("unreadable-picture"):
        return read_picture(path)


def check_recording(path: Path, data: bytes, limits: MediaLimits) -> None:
    """Refuse what is no sound or film, too long or too large, before any of it is decoded. Raises ``RequestError``."""
    _require_content(data)
    if not any(data[at : at + len(mark)] == mark for at, mark in _RECORDINGS):
        raise RequestError("unsupported-media", f"this is no {RECORDINGS}; send one of these")
    with sender_sees("unreadable-recording"):
        _check_head(path, limits)
        _check_length(contents(path).length_ns / 1e9, limits)  # a head may lie; packets are counted


@contextmanager
def sender_sees(code: str) -> Iterator[None]:
    """Turn the readers' errors into the sender's, without the path of a file that the sender never named."""
    try:
        yield
    except MediaError as error:
        raise RequestError(code, str(error).partition(": ")[2]) from error


def _require_content(data: bytes) -> None:
    if not data:
        raise RequestError("empty-media", "0 bytes came; record or copy it again")


def _picture_size(data: bytes) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(data), formats=PICTURES) as picture:
            return picture.size
    except Image.DecompressionBombError as error:
        raise RequestError("too-many-pixels", "the picture has far too many pixels; send it smaller") from error
    except Exception as error:  # a damaged header makes Pillow's readers raise nearly anything
        raise RequestError("unsupported-media", "this is no JPEG, PNG or WebP picture; send one of these") from error


def _check_head(path: Path, limits: MediaLimits) -> None:
    """What a file says of itself, which is cheap to look at."""
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            _check_length((container.duration or 0) / 1e6, limits)
            for stream in container.streams.video:
                _check_size(stream.codec_context.width, stream.codec_context.height, limits)
    except av.FFmpegError as error:
        raise RequestError("unreadable-recording", "it cannot be read; is it damaged or incomplete?") from error


def _check_length(seconds: float, limits: MediaLimits) -> None:
    if seconds > limits.seconds:
        raise RequestError("too-long", f"it has {seconds:.0f} s; at most {limits.seconds:g} are read")


def _check_size(width: int, height: int, limits: MediaLimits) -> None:
    if width * height > limits.pixels:
        raise RequestError(
            "too-many-pixels",
            f"there are {width} × {height} pixels; at most {limits.pixels / 1e6:g} million are read: send it smaller",
        )
