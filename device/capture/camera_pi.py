"""The Pi's camera module, through picamera2."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.capture.cameras import CameraKind, register
from device.capture.choose import choose_device
from device.errors import SourceLost, SourceUnavailable
from device.signals import Frame

WAIT_S = 3.0
"""picamera2's calls without a time-out can hang for ever when the camera stops; a picture takes 0.1 to 1 s."""


class CameraPi:
    """Grey frames of a camera module: the Y plane of its low-resolution YUV420 stream, with no conversion at all.

    ``name`` is any part of what ``list_cameras`` gives (model or id); empty takes the first. ``driver`` is the class
    ``picamera2.Picamera2`` (or a stand-in); by default it is imported when the source is entered.

    Entering raises ``SourceUnavailable``; iterating raises ``SourceLost`` when no picture comes for ``wait_s``.
    ``close`` may be called from another thread: the iteration ends after the picture in progress.
    """

    is_finite = False
    warning, blind = "", False
    dropped = 0
    """Nothing is queued here; libcamera keeps the newest picture only."""

    def __init__(
        self,
        *,
        name: str = "",
        size_px: tuple[int, int] = (640, 480),
        rate_hz: float = 10.0,
        wait_s: float = WAIT_S,
        driver: Any = None,
    ) -> None:
        self._name, self._size_px, self._rate_hz, self._wait_s = name, size_px, rate_hz, wait_s
        self._given_px = size_px
        self._driver = driver
        self._camera: Any = None
        self._closing = False

    def __enter__(self) -> CameraPi:
        self._closing = False
        driver = self._driver or _picamera2()
        number = self._choose(driver)
        try:
            self._camera = driver(camera_num=number)
            self._camera.configure(self._configuration())
            self._given_px = self._camera.camera_configuration()["lores"]["size"]
            self._camera.start()
        except (RuntimeError, IndexError, OSError) as error:  # picamera2's own words for busy, gone, not allowed
            self.__exit__()
            raise SourceUnavailable(
                f"Pi camera {number}: {_reason(error)};"
                " end the program that uses it, or check its cable and restart the Pi"
            ) from error
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
        if self._camera is not None:
            self._camera.cancel_all_and_flush()  # else stopping waits behind a picture that never comes
            self._camera.stop()
            self._camera.close()
            self._camera = None

    def close(self) -> None:
        """End the iteration soon."""
        self._closing = True

    def __iter__(self) -> Iterator[Frame]:
        assert self._camera is not None, "a camera is read inside its `with`"
        while not self._closing:
            request = self._next_request()
            try:
                frame = Frame(
                    captured_ns=sensor_time_ns(request.get_metadata().get("SensorTimestamp")),
                    grey=y_plane(request.make_array("lores"), self._given_px),
                )
            finally:
                request.release()
            yield frame

    def _choose(self, driver: Any) -> int:
        found = _modules(driver)
        if not found:
            raise SourceUnavailable("Pi camera: none found; check its cable and `rpicam-hello --list-cameras`")
        position = choose_device("Pi camera", self._name, [name for _, name in found]) if self._name else 0
        return found[position][0]

    def _configuration(self) -> Any:
        frame_us = round(1e6 / self._rate_hz)
        # A video's brightness is 16…235; that of a picture to be looked at fills the byte (JPEG's colour space, sYCC).
        full_range = self._camera.create_preview_configuration()["colour_space"]
        # libcamera wants a main stream, never smaller than the other; grey is taken from the cheaper one.
        return self._camera.create_video_configuration(
            colour_space=full_range,
            main={"size": self._size_px},
            lores={"size": self._size_px, "format": "YUV420"},
            controls={"FrameDurationLimits": (frame_us, frame_us)},
        )

    def _next_request(self) -> Any:
        try:
            return self._camera.capture_request(wait=self._wait_s)
        except TimeoutError as error:
            raise SourceLost(
                f"Pi camera: no picture for {self._wait_s:g} s; check its cable, it is tried again"
            ) from error


def y_plane(yuv420: NDArray[np.uint8], size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """The grey picture (height, width) in a YUV420 array (height × 3/2, stride): rows may be padded at their end."""
    width, height = size_px
    return np.ascontiguousarray(yuv420[:height, :width])


def sensor_time_ns(boot_ns: int | None) -> int:
    """Monotonic time of a libcamera time stamp, which counts from boot and so includes time spent asleep.

    It is the start of the exposure. Without a stamp the answer is now.
    """
    now_ns = time.monotonic_ns()
    if boot_ns is None:
        return now_ns
    return boot_ns - (time.clock_gettime_ns(time.CLOCK_BOOTTIME) - now_ns)


def list_cameras(driver: Any = None) -> list[str]:
    """Model and id of each camera module, in picamera2's order; none where picamera2 is not installed."""
    try:
        return [name for _, name in _modules(driver or _picamera2())]
    except SourceUnavailable:
        return []


def _modules(driver: Any) -> list[tuple[int, str]]:
    """Position in picamera2's list, and name, of each camera on the Pi's own connectors; the list has USB cameras too.

    picamera2 opens a camera by that position; "Num" is libcamera's own number, and another one when two are connected.
    """
    return [
        (position, f"{camera.get('Model', '?')} {camera.get('Id', '')}".strip())
        for position, camera in enumerate(driver.global_camera_info())
        if "usb" not in camera.get("Id", "").lower()
    ]


def _reason(error: BaseException) -> str:
    """What libcamera said first: picamera2 wraps it in "Camera __init__ sequence did not complete."."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).rstrip(".")


def _picamera2() -> Any:
    try:
        from picamera2 import Picamera2  # noqa: TID251 - this is that file; it exists on a Pi only
    except ImportError as error:
        raise SourceUnavailable(
            f"Pi camera: picamera2 cannot be imported ({error}); on Raspberry Pi OS `apt install python3-picamera2`"
            " and make the environment with --system-site-packages"
        ) from error
    return Picamera2


def _open(address: str, /, *, size_px: tuple[int, int], rate_hz: float) -> CameraPi:
    return CameraPi(name=address, size_px=size_px, rate_hz=rate_hz, wait_s=max(WAIT_S, 2.5 / rate_hz))


register(CameraKind("pi", _open, list_cameras))
