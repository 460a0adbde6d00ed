# ruff: noqa: D103 - test names are sentences
"""The Pi's camera source on genuine picamera2 and libcamera: what the stand-in of tests/test_camera_pi.py can not show.

Run by run.sh in the root that it makes; the two cameras are those of virtual.yaml.
"""

import contextlib
import threading  # noqa: TID251 - somebody else's thread closes the camera
import time
from itertools import islice
from typing import Any

import numpy as np
import pytest

from device.capture.camera_pi import CameraPi, list_cameras
from device.errors import SourceLost, SourceUnavailable


def all_pictures(camera: CameraPi) -> list[Any]:
    """Every picture buffer of an open camera: while they are held it can give no other."""
    held: list[Any] = []
    with contextlib.suppress(TimeoutError):
        while True:
            held.append(camera._camera.capture_request(wait=0.5))
    camera._camera.cancel_all_and_flush()
    return held


def test_both_cameras_are_listed() -> None:
    assert sorted(list_cameras()) == ["Bars Virtual0", "Lines Virtual1"]


def test_ten_frames_have_the_asked_size_and_rising_times_close_to_now() -> None:
    with CameraPi(name="bars", size_px=(640, 480)) as camera:
        arrived = [(frame, time.monotonic_ns()) for frame in islice(camera, 10)]
    stamps = np.array([frame.captured_ns for frame, _ in arrived])
    ages_ns = np.array([now_ns for _, now_ns in arrived]) - stamps
    assert {(frame.grey.shape, frame.grey.dtype.name) for frame, _ in arrived} == {((480, 640), "uint8")}
    assert (np.diff(stamps) > 0).all()
    assert ages_ns.min() > 0
    assert ages_ns.max() < 2e9


def test_the_brightness_asked_for_fills_the_byte() -> None:
    with CameraPi(name="bars") as camera:
        assert camera._configuration()["colour_space"].range.name == "Full"


def test_the_grey_picture_is_the_pattern_of_the_camera_that_was_named() -> None:
    with CameraPi(name="bars") as camera:
        bars = next(iter(camera)).grey
    assert (bars == bars[0]).all()  # upright bars: every row is the first one, down to the last
    assert len(np.unique(bars)) == 8
    with CameraPi(name="lines") as camera:
        lines = next(iter(camera)).grey
    assert len(np.unique(lines)) == 2


def test_a_size_the_camera_does_not_have_is_answered_with_whole_pictures_of_another() -> None:
    with CameraPi(name="bars", size_px=(700, 500)) as camera:
        bars = next(iter(camera)).grey
        width, height = camera._camera.camera_configuration()["lores"]["size"]
    assert bars.shape == (height, width) != (500, 700)
    assert (bars == bars[0]).all()


def test_close_from_another_thread_ends_the_iteration() -> None:
    seen: list[int] = []
    first = threading.Event()

    def look(camera: CameraPi) -> None:
        for frame in camera:
            seen.append(frame.captured_ns)
            first.set()

    with CameraPi() as camera:
        reader = threading.Thread(target=look, args=(camera,))
        reader.start()
        assert first.wait(10)
        camera.close()
        reader.join(10)
        assert not reader.is_alive()
    assert seen


def test_a_camera_is_opened_again_and_again() -> None:
    camera = CameraPi(name="bars")
    for _ in range(5):
        with camera:
            assert next(iter(camera)).grey.shape == (480, 640)


def test_a_camera_that_stops_giving_pictures_is_lost_closed_and_opened_again() -> None:
    camera = CameraPi(name="bars", wait_s=0.5)
    with camera:
        held = all_pictures(camera)
        with pytest.raises(SourceLost, match=r"no picture for 0\.5 s"):
            next(iter(camera))
    with camera:
        assert next(iter(camera)).grey.any()
    assert held


def test_a_camera_is_closed_although_somebody_still_waits_for_a_picture() -> None:
    with CameraPi(name="bars") as camera:
        held = all_pictures(camera)
        camera._camera.capture_request(wait=False)  # as an interrupt in the midst of waiting leaves it
    assert held


def test_a_camera_in_use_is_said_in_words() -> None:
    with CameraPi(name="bars") as camera:
        with pytest.raises(SourceUnavailable, match=r"camera 1: .*[^.]; end the program that uses it"):
            CameraPi(name="bars").__enter__()
        assert next(iter(camera)).grey.any()
