"""Cameras that OpenCV reads: USB cameras (V4L2) and network cameras (RTSP, HTTP)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from device.capture.cameras import CameraKind, register
from device.capture.choose import listed
from device.capture.opencv import FrameRate, to_grey
from device.capture.raw_pictures import ToGrey, is_jpeg, to_grey_from
from device.errors import SourceLost, SourceUnavailable
from device.readings import NS_PER_S
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
    """Grey frames of a USB or network camera, the latest ones, without a colour picture on the way where that can be.

    ``device``: a path as ``list_cameras`` gives it, an index ("0" is /dev/video0), or an RTSP/HTTP address.
    ``size_px`` (width, height) is asked of a USB camera, which answers with the nearest it has; a network camera
    sends what it is set to. About ``rate_hz`` frames a second are given; all that come are read, so none is old.
    ``dropped``: pictures since it was entered that came damaged; each is a hole.

    Entering raises ``SourceUnavailable``; iterating raises ``SourceLost`` when no picture comes for
    ``read_timeout_s`` or ``FAILED_READS`` reads in a row fail. ``close`` may be called from another thread:
    the iteration ends after the read in progress.
    """

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
        self._to_grey: ToGrey = to_grey
        self._closing = False
        self.dropped = 0

    @property
    def name(self) -> str:
        """The camera as messages show it: of an address the host alone, since what follows may be a password."""
        return _PATH.sub(r"\1", _LOGIN.sub("//", self._device)) if self._is_address else self._device

    def __enter__(self) -> CameraV4l2:
        self._closing, self.dropped = False, 0
        self._capture = self._open_address() if self._is_address else self._open_device()
        if not self._capture.isOpened():
            raise self._unavailable("it does not answer as a camera")
        self._to_grey = self._without_colour(self._capture) or to_grey
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
        whole_ns = last_ns
        while not self._closing:
            if not self._capture.grab():
                failed += 1
                self._lose_if(failed >= FAILED_READS, last_ns)
                continue
            failed, last_ns = 0, self._sensor_time_ns(self._capture)
            if not rate.keeps(last_ns):
                continue
            grey = self._grey(self._capture)
            if grey is None:
                self._count_damaged(whole_ns)
                continue
            whole_ns = last_ns
            yield Frame(last_ns, grey)

    def _grey(self, capture: cv2.VideoCapture) -> NDArray[np.uint8] | None:
        """The picture that was grabbed; ``None`` if it is damaged."""
        taken, picture = capture.retrieve()
        # OpenCV says that it took an empty buffer, too, and gives nothing.
        empty = not taken or picture is None or not picture.size
        return None if empty else self._to_grey(np.asarray(picture, dtype=np.uint8))

    def _count_damaged(self, whole_ns: int) -> None:
        """One more. That none was whole for long, and not just for as long as none is asked for, is a loss."""
        self.dropped += 1
        damaged_s = (time.monotonic_ns() - whole_ns) / NS_PER_S
        if not self._closing and damaged_s > self._read_timeout_s + 2 / (self._rate_hz or np.inf):
            raise SourceLost(
                f"camera {self.name}: all its pictures have come damaged for {damaged_s:.1f} s; check its cable or"
                " network, it is tried again"
            )

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

    def _without_colour(self, capture: cv2.VideoCapture) -> ToGrey | None:
        """Ask for pictures as the camera sends them, and how such become grey; ``None`` if they come in colour."""
        fourcc, width = capture.get(cv2.CAP_PROP_FOURCC), round(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        known = to_grey_from(fourcc)
        if known is None:
            return None
        if self._is_address:
            # -1: packets that FFmpeg has not decoded. Those of a film would need the ones before.
            asked = is_jpeg(fourcc) and capture.set(cv2.CAP_PROP_FORMAT, -1)
        else:
            # OpenCV 4.6, which Debian 12 has, takes rows to be padded to 4 bytes, which no driver does.
            asked = (is_jpeg(fourcc) or width % 4 == 0) and capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        return known if asked else None

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
