"""Pictures as cameras send them, to grey: no colour picture is made on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Raw = NDArray[np.uint8]
ToGrey = Callable[[Raw], Raw | None]
"""From what a capture gives to grey uint8 (height, width); ``None`` for a picture that is damaged."""

_GREY = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
"""A JPEG's brightness as it is coded. Which way up a camera hangs, the settings say and not its JPEGs."""
_BEGIN, _END = b"\xff\xd8", b"\xff\xd9"
_PADDING_BYTES = 4096
"""So much may follow a JPEG's end: drivers hand out whole packets."""
_FULL_RANGE = np.clip(np.round((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)
"""The brightness of video, 16…235 (ITU-R BT.601), stretched to 0…255. OpenCV, too, takes a camera's YUV to be such."""


def to_grey_from(fourcc: float) -> ToGrey | None:
    """How pictures of this V4L2 pixel format, as OpenCV tells it, become grey; ``None``: by way of OpenCV's BGR."""
    return _FORMATS.get(_name(fourcc))


def is_jpeg(fourcc: float) -> bool:
    """Whether each picture is a JPEG of its own."""
    return _FORMATS.get(_name(fourcc)) is _from_jpeg


def _name(fourcc: float) -> str:
    return (int(fourcc) & 0xFFFFFFFF).to_bytes(4, "little").decode("latin-1").upper()


def _from_jpeg(raw: Raw) -> Raw | None:
    """Whole ones only: of one that breaks off OpenCV's versions make nothing, or a picture that ends in grey."""
    data = raw.tobytes()
    if not data.startswith(_BEGIN) or _END not in data[-_PADDING_BYTES:]:
        return None
    try:
        picture = cv2.imdecode(raw, _GREY)
    except cv2.error:  # its header asks for more memory than there is
        return None
    return None if picture is None else np.asarray(picture, dtype=np.uint8)


def _from_interleaved(channel: int) -> ToGrey:
    """Of 4:2:2, (height, width, 2): every second byte."""
    # Twice as fast as a strided copy.
    return lambda raw: _stretched(cv2.split(raw)[channel])


def _from_planes(raw: Raw) -> Raw:
    """Of 4:2:0, (height × 3/2, width): the first plane."""
    return _stretched(raw[: raw.shape[0] * 2 // 3])


def _stretched(brightness: NDArray[Any]) -> Raw:
    return np.asarray(cv2.LUT(brightness, _FULL_RANGE), dtype=np.uint8)


_FORMATS: dict[str, ToGrey] = {
    **dict.fromkeys(("MJPG", "MJPE", "JPEG"), _from_jpeg),  # OpenCV 4.6 has FFmpeg's name for it, cut to four letters
    "YUYV": _from_interleaved(0),
    "UYVY": _from_interleaved(1),
    **dict.fromkeys(("YU12", "YV12", "NV12", "NV21"), _from_planes),
    "GREY": lambda raw: raw,
}
