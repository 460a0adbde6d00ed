import importlib.util
import threading
import time
from typing import Any, ClassVar

import numpy as np
import pytest
from fakes import eventually
from numpy.typing import NDArray

from device.capture.camera_pi import CameraPi, list_cameras, sensor_time_ns, y_plane
from device.errors import SourceLost, SourceUnavailable

STRIDE = 96
MODULE = {"Num": 1, "Model": "imx708", "Id": "/base/soc/i2c0mux/i2c@1/imx708@1a"}
WEBCAM = {"Num": 0, "Model": "HD Webcam", "Id": "/base/soc/usb@7e980000/usb-1:1.0"}


class Request:
    """A picture whose grey is its number, with rubbish in the rows' padding and in the colour planes."""

    def __init__(self, number: int, size_px: tuple[int, int]) -> None:
        self._number, self._size_px = number, size_px
        self.released = False

    def make_array(self, name: str) -> NDArray[np.uint8]:
        assert name == "lores"
        width, height = self._size_px
        array = np.full((height * 3 // 2, STRIDE), 255, dtype=np.uint8)
        array[:height, :width] = self._number % 256
        return array

    def get_metadata(self) -> dict[str, int]:
        return {"SensorTimestamp": time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 40_000_000}

    def release(self) -> None:
        self.released = True


class Picamera2:
    """The calls of picamera2 that the source makes. Webcams are listed last; a camera is opened by its place there."""

    cameras: ClassVar[list[dict[str, Any]]] = [MODULE, WEBCAM]
    pictures = 5
    opened: ClassVar[list["Picamera2"]] = []

    @classmethod
    def global_camera_info(cls) -> list[dict[str, Any]]:
        return cls.cameras

    def __init__(self, camera_num: int) -> None:
        self.number, self.running, self.open, self.flushed = self.cameras[camera_num]["Num"], False, True, False
        self.requests: list[Request] = []
        self.opened.append(self)

    def create_preview_configuration(self) -> dict[str, Any]:
        return {"colour_space": "sYCC"}

    def create_video_configuration(self, **streams: Any) -> dict[str, Any]:
        return {"colour_space": "SMPTE170M", **streams}

    def configure(self, configuration: dict[str, Any]) -> None:
        self._configuration = configuration

    def camera_configuration(self) -> dict[str, Any]:
        return self._configuration

    def start(self) -> None:
        self.running = True

    def capture_request(self, *, wait: float) -> Request:
        if len(self.requests) == self.pictures:
            time.sleep(wait)
            raise TimeoutError
        self.requests.append(Request(len(self.requests), self._configuration["lores"]["size"]))
        return self.requests[-1]

    def cancel_all_and_flush(self) -> None:
        self.flushed = True

    def stop(self) -> None:
        self.running = False

    def close(self) -> None:
        self.open = False


class NoCamera(Picamera2):
    cameras: ClassVar[list[dict[str, Any]]] = [WEBCAM]


class BusyCamera(Picamera2):
    def start(self) -> None:
        raise RuntimeError("Failed to acquire camera: Device or resource busy")


class EndlessCamera(Picamera2):
    pictures = 1_000_000_000


def source(driver: type[Picamera2], **options: Any) -> CameraPi:
    Picamera2.opened.clear()
    return CameraPi(driver=driver, size_px=(64, 48), wait_s=0.05, **options)


def test_the_y_plane_without_its_padding_is_the_picture() -> None:
    with source(Picamera2) as camera:
        frames = [frame for _, frame in zip(range(5), camera, strict=False)]
    assert [frame.grey.shape for frame in frames] == [(48, 64)] * 5
    assert [set(frame.grey.ravel().tolist()) for frame in frames] == [{0}, {1}, {2}, {3}, {4}]


def test_buffers_go_back_to_the_camera_and_the_camera_is_closed() -> None:
    with source(Picamera2) as camera:
        for _ in zip(range(3), camera, strict=False):
            pass
    (hardware,) = Picamera2.opened
    assert all(request.released for request in hardware.requests)
    assert (hardware.running, hardware.open) == (False, False)


def test_a_frame_is_dated_with_its_exposure_on_the_monotonic_clock() -> None:
    with source(Picamera2) as camera:
        frame = next(iter(camera))
    assert time.monotonic_ns() - frame.captured_ns == pytest.approx(40e6, abs=30e6)


def test_a_frame_without_a_stamp_is_dated_now() -> None:
    assert sensor_time_ns(None) == pytest.approx(time.monotonic_ns(), abs=1e9)


def test_a_camera_that_stops_giving_pictures_is_lost_and_can_still_be_closed() -> None:
    with source(Picamera2) as camera, pytest.raises(SourceLost, match=r"no picture for 0\.05 s"):
        list(camera)
    (hardware,) = Picamera2.opened
    assert (hardware.flushed, hardware.open) == (True, False)


def test_close_from_another_thread_ends_the_iteration() -> None:
    seen: list[object] = []
    with source(EndlessCamera) as camera:
        reader = threading.Thread(target=lambda: seen.extend(camera))
        reader.start()
        eventually(lambda: bool(seen))
        camera.close()
        reader.join(5)
    assert not reader.is_alive()


def test_the_camera_module_is_taken_although_a_webcam_comes_first() -> None:
    for options in ({}, {"name": "IMX708"}):
        with source(Picamera2, **options):
            assert [hardware.number for hardware in Picamera2.opened] == [1]
    assert list_cameras(Picamera2) == ["imx708 /base/soc/i2c0mux/i2c@1/imx708@1a"]


def test_no_camera_module_a_wrong_name_and_a_busy_one_are_reported_in_words() -> None:
    with pytest.raises(SourceUnavailable, match="none found; check its cable"):
        source(NoCamera).__enter__()
    with pytest.raises(SourceUnavailable, match="'ov5647' is not there; found: 'imx708 "):
        source(Picamera2, name="ov5647").__enter__()
    with pytest.raises(SourceUnavailable, match="resource busy; end the program that uses it"):
        source(BusyCamera).__enter__()
    assert not any(hardware.open for hardware in Picamera2.opened)


def test_the_rate_is_asked_of_the_sensor() -> None:
    with source(Picamera2, rate_hz=5.0):
        (hardware,) = Picamera2.opened
        assert hardware.camera_configuration()["controls"] == {"FrameDurationLimits": (200_000, 200_000)}


def test_the_brightness_asked_for_fills_the_byte() -> None:
    with source(Picamera2):
        (hardware,) = Picamera2.opened
        assert hardware.camera_configuration()["colour_space"] == "sYCC"


def test_a_picture_as_wide_as_its_rows_is_left_as_it_is() -> None:
    yuv = np.arange(6 * 4, dtype=np.uint8).reshape(6, 4)
    assert y_plane(yuv, (4, 4)).tolist() == yuv[:4].tolist()


@pytest.mark.skipif(importlib.util.find_spec("picamera2") is not None, reason="picamera2 is installed")
def test_without_picamera2_the_remedy_is_reported_and_nothing_is_listed() -> None:
    with pytest.raises(SourceUnavailable, match="apt install python3-picamera2"):
        CameraPi().__enter__()
    assert list_cameras() == []


@pytest.mark.skipif(importlib.util.find_spec("picamera2") is None, reason="picamera2 is not installed: not a Pi")
def test_a_genuine_camera_gives_frames() -> None:
    with CameraPi(size_px=(640, 480)) as camera:
        frames = [frame for _, frame in zip(range(3), camera, strict=False)]
    assert [frame.grey.shape for frame in frames] == [(480, 640)] * 3
    assert frames[0].captured_ns < frames[1].captured_ns < frames[2].captured_ns
