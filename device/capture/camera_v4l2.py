"""Cameras that OpenCV reads: USB cameras (V4L2) and network cameras (RTSP, HTTP)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from device.capture.cameras import CameraKind, register
from device.capture.choose import listed
from device.capture.opencv import NS_PER_S, FrameRate, to_grey
from device.errors import SourceLost, SourceUnavailable
from device.signals import Frame

READ_TIMEOUT_S = 3.0
"""A camera silent for so long is lost: the slowest one of use gives a picture each 2 s, in the dark."""
FAILED_READS = 5
"""Failed reads in a row that make a camera lost; a USB camera may spoil a picture or two when it starts."""
OPEN_TIMEOUT_S = 9.0
"""FFmpeg looks at about four pictures before it says that a stream is open: 8 s of the slowest camera."""

_LOGIN, _PATH = re.compile(r"//.*@"), re.compile(r"(//[^/?#]*).+")
"""A password may hold ``@`` and ``/``, and many a camera wants it in its path or behind a question mark."""


class CameraV4l2:
    """Grey frames of a USB or network camera, the latest ones.

    ``device``: a path as ``list_cameras`` gives it, an index ("0" is /dev/video0), or an RTSP/HTTP address.
    ``size_px`` (width, height) is asked of a USB camera, which answers with the nearest it has; a network camera
    sends what it is set to. About ``rate_hz`` frames a second are given; all that come are read, so none is old.

    Entering raises ``SourceUnavailable``; iterating raises ``SourceLost`` when no picture comes for
    ``read_timeout_s`` or ``FAILED_READS`` reads in a row fail. ``close`` may be called from another thread:
    the iteration ends after the read in progress.
    """

    dropped = 0
    """Nothing is queued here."""
    is_finite = False
    warning, blind = "", False

    def __init__(
        self,
        *,
        device: str,
        size_px: tuple[int, int] = (640, 480),
        rate_hz: float | None = None,
        open_timeout_s: float = OPEN_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        self._device = f"/dev/video{device}" if device.isdecimal() else device
        self._is_address = "://" in device
        self._size_px, self._rate_hz = size_px, rate_hz
        self._open_timeout_s, self._read_timeout_s = open_timeout_s, read_timeout_s
        self._capture: cv2.VideoCapture | None = None
        self._closing = False

    @property
    def name(self) -> str:
        """The camera as messages show it: of an address the host alone, since what follows may be a password."""
        return _PATH.sub(r"\1", _LOGIN.sub("//", self._device)) if self._is_address else self._device

    def __enter__(self) -> CameraV4l2:
        self._closing = False
        self._capture = self._open_address() if self._is_address else self._open_device()
        if not self._capture.isOpened():
            raise self._unavailable("it does not answer as a camera")
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def close(self) -> None:
        """End the iteration soon."""
        self._closing = True

    def __iter__(self) -> Iterator[Frame]:
        assert self._capture is not None, "a camera is read inside its `with`"
        rate = FrameRate(self._rate_hz)
        failed, last_ns = 0, time.monotonic_ns()
        while not self._closing:
            frame = self._read(self._capture, rate)
            if frame is None:
                failed += 1
                self._lose_if(failed >= FAILED_READS, last_ns)
                continue
            failed, last_ns = 0, frame.captured_ns
            if frame.grey.size:
                yield frame

    def _read(self, capture: cv2.VideoCapture, rate: FrameRate) -> Frame | None:
        """The next picture, an empty one if it is not due, ``None`` if the read failed."""
        if not capture.grab():
            return None
        captured_ns = self._sensor_time_ns(capture)
        if not rate.keeps(captured_ns):
            return Frame(captured_ns, np.zeros((0, 0), dtype=np.uint8))
        taken, picture = capture.retrieve()
        return Frame(captured_ns, to_grey(picture)) if taken and picture.size else None

    def _sensor_time_ns(self, capture: cv2.VideoCapture) -> int:
        now_ns = time.monotonic_ns()
        if self._is_address:
            return now_ns
        return driver_time_ns(capture.get(cv2.CAP_PROP_POS_MSEC), now_ns)

    def _lose_if(self, lost: bool, last_ns: int) -> None:
        silent_s = (time.monotonic_ns() - last_ns) / NS_PER_S
        if not self._closing and (lost or silent_s > self._read_timeout_s):
            what = f"no picture for {silent_s:.1f} s" if silent_s >= 0.5 else "the connection was ended"
            raise SourceLost(f"camera {self.name}: {what}; check its cable or network, it is tried again")

    def _open_address(self) -> cv2.VideoCapture:
        limits = [
            (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, self._open_timeout_s),
            (cv2.CAP_PROP_READ_TIMEOUT_MSEC, self._read_timeout_s),
        ]
        parameters = [number for key, limit_s in limits for number in (key, round(limit_s * 1000))]
        return cv2.VideoCapture(self._device, cv2.CAP_FFMPEG, parameters)

    def _open_device(self) -> cv2.VideoCapture:
        if not Path(self._device).exists():
            raise self._unavailable("there is no such device")
        capture = cv2.VideoCapture(self._device, cv2.CAP_V4L2)
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._size_px[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size_px[1])
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        if self._rate_hz:
            capture.set(cv2.CAP_PROP_FPS, self._rate_hz)
        return capture

    def _unavailable(self, why: str) -> SourceUnavailable:
        remedy = (
            "check the address, the camera's power and the network"
            if self._is_address
            else f"cameras found: {listed(list_cameras())}; plug it in, or name one of these in the configuration"
        )
        return SourceUnavailable(f"camera {self.name}: {why}; {remedy}")


def driver_time_ns(position_ms: float, now_ns: int) -> int:
    """The monotonic capture time that a V4L2 driver stamped, or now if its stamp is of another clock.

    OpenCV gives a driver's stamp as the position. One that is not within the last second is not monotonic time.
    """
    stamp_ns = round(position_ms * 1e6)
    return stamp_ns if 0 <= now_ns - stamp_ns < NS_PER_S else now_ns


def list_cameras(dev: Path = Path("/dev")) -> list[str]:
    """Paths of the USB cameras, the stable names of /dev/v4l/by-id where the system makes them.

    A camera has several nodes; ``index0`` is the one with pictures. A Pi's own codec nodes have no id and are left out.
    """
    by_id = sorted(str(path) for path in dev.glob("v4l/by-id/*-video-index0"))
    if by_id or (dev / "v4l").is_dir():
        return by_id
    return sorted(str(path) for path in dev.glob("video[0-9]*"))


def _open(address: str, /, *, size_px: tuple[int, int], rate_hz: float) -> CameraV4l2:
    return CameraV4l2(device=address, size_px=size_px, rate_hz=rate_hz)


register(CameraKind("", _open, list_cameras))
