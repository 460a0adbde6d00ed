"""Stored orientation of a picture, where OpenCV does not see to it alike in all its versions."""

from __future__ import annotations

from typing import Literal

from device.capture.display import AS_STORED

_Order = Literal["big", "little"]

_TAG = 0x0112
_ENTRY_BYTES = 12
_VALUE_AT = 8
_EXIF_MARK = b"Exif\0\0"


def webp_orientation(data: bytes) -> int:
    """EXIF's number of a WebP: OpenCV before 4.11 does not look at it."""
    at = 12
    while at + 8 <= len(data):
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"EXIF":
            return _read(data[at + 8 : at + 8 + length].removeprefix(_EXIF_MARK))
        at += 8 + length + length % 2
    return AS_STORED


def tiff_as_stored(data: bytes) -> tuple[bytes, int]:
    """A TIFF that says nothing of its orientation, and what it said: OpenCV from 4.11 on cannot read 5 to 8."""
    found = _find(data)
    if found is None:
        return data, AS_STORED
    at, order = found
    return data[:at] + AS_STORED.to_bytes(2, order) + data[at + 2 :], int.from_bytes(data[at : at + 2], order)


def _read(tiff: bytes) -> int:
    return tiff_as_stored(tiff)[1]


def _find(tiff: bytes) -> tuple[int, _Order] | None:
    """Where the number is in the first directory, and its bytes' order."""
    order: _Order = "big" if tiff[:2] == b"MM" else "little"
    directory = int.from_bytes(tiff[4:8], order)
    entries = int.from_bytes(tiff[directory : directory + 2], order)
    for at in range(directory + 2, min(directory + 2 + entries * _ENTRY_BYTES, len(tiff)), _ENTRY_BYTES):
        if int.from_bytes(tiff[at : at + 2], order) == _TAG and at + _ENTRY_BYTES <= len(tiff):
            return at + _VALUE_AT, order
    return None
