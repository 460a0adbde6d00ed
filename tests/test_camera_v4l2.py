import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import eventually
from virtual_hardware import CAMERA_SIZE_PX, PORTRAIT, NetworkCamera, network_camera

from device.capture.camera_v4l2 import CameraV4l2, driver_time_ns, list_cameras
from device.capture.opencv import FrameRate, to_grey
from device.errors import SourceLost, SourceUnavailable

pytestmark = pytest.mark.slow


@pytest.fixture
def camera() -> Iterator[NetworkCamera]:
    with network_camera() as hardware:
        yield hardware


def test_a_network_camera_gives_grey_frames_of_rising_monotonic_times(camera: NetworkCamera) -> None:
    before_ns = time.monotonic_ns()
    with CameraV4l2(device=camera.address()) as source:
        frames = [frame for _, frame in zip(range(5), source, strict=False)]
    assert {frame.grey.shape for frame in frames} == {CAMERA_SIZE_PX[::-1]}
    assert {frame.grey.dtype for frame in frames} == {np.dtype(np.uint8)}
    assert frames[0].grey[:, :24].max() < 16
    assert frames[0].grey[:, -24:].min() > 240
    times_ns = [before_ns, *(frame.captured_ns for frame in frames), time.monotonic_ns()]
    assert times_ns == sorted(times_ns)


def test_a_camera_that_loses_its_power_is_lost_within_its_time_limit(camera: NetworkCamera) -> None:
    with CameraV4l2(device=camera.address(), read_timeout_s=1.0) as source:
        frames = iter(source)
        next(frames)
        camera.unplug()
        unplugged_ns = time.monotonic_ns()
        with pytest.raises(SourceLost, match=r"camera http://127\.0\.0\.1.*(no picture for|connection was ended)"):
            list(frames)
    assert time.monotonic_ns() - unplugged_ns < 5e9


def test_a_camera_that_stays_connected_but_falls_silent_is_lost_too(camera: NetworkCamera) -> None:
    with (
        CameraV4l2(device=camera.address("stall"), read_timeout_s=0.5) as source,
        pytest.raises(SourceLost, match="no picture for"),
    ):
        list(source)


def test_close_from_another_thread_ends_the_iteration(camera: NetworkCamera) -> None:
    seen: list[object] = []
    with CameraV4l2(device=camera.address()) as source:
        reader = threading.Thread(target=lambda: seen.extend(source))
        reader.start()
        eventually(lambda: len(seen) >= 2)
        source.close()
        reader.join(5)
    assert not reader.is_alive()


def test_a_camera_can_be_opened_again_after_it_was_closed(camera: NetworkCamera) -> None:
    source = CameraV4l2(device=camera.address())
    for _ in range(2):
        with source:
            assert next(iter(source)).grey.size


def test_parts_that_are_no_pictures_are_no_frames(camera: NetworkCamera) -> None:
    with pytest.raises((SourceUnavailable, SourceLost)):  # noqa: SIM117 - whichever FFmpeg notices first
        with CameraV4l2(device=camera.address("spoilt"), open_timeout_s=1.0, read_timeout_s=0.5) as source:
            list(source)


def test_torn_pictures_are_holes_that_are_counted(camera: NetworkCamera) -> None:
    with CameraV4l2(device=camera.address("torn")) as source:
        frames = [frame for _, frame in zip(range(4), source, strict=False)]
        assert 6 <= source.dropped <= 8
    assert {frame.grey.shape for frame in frames} == {CAMERA_SIZE_PX[::-1]}
    assert all(frame.grey[:, -24:].min() > 240 for frame in frames)


def test_a_pictures_brightness_is_as_it_was_coded(camera: NetworkCamera) -> None:
    with CameraV4l2(device=camera.address("face")) as source:
        grey = next(iter(source)).grey
    portrait = cv2.imread(str(PORTRAIT), cv2.IMREAD_GRAYSCALE)
    assert portrait is not None
    assert grey.shape == portrait.shape
    assert np.abs(grey.astype(int) - portrait).mean() < 2


def test_an_address_where_nobody_answers_is_unavailable_and_its_password_is_not_reported(camera: NetworkCamera) -> None:
    camera.unplug()
    with pytest.raises(SourceUnavailable, match="check the address") as caught:
        CameraV4l2(device=camera.address()).__enter__()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://10.0.0.2:554/stream1",
        "rtsp://admin:p@ssword@10.0.0.2:554/stream1",
        "rtsp://admin:pa/ss?word@10.0.0.2:554/stream1",
        "rtsp://10.0.0.2:554/user=admin_password=password_channel=1.sdp",
        "rtsp://10.0.0.2:554?user=admin&pwd=password",
    ],
)
def test_of_an_address_messages_show_the_host_alone(address: str) -> None:
    assert CameraV4l2(device=address).name == "rtsp://10.0.0.2:554"


@pytest.mark.parametrize(("device", "named"), [("7", "/dev/video7"), ("/dev/v4l/by-id/none", "/dev/v4l/by-id/none")])
def test_an_absent_camera_is_named_with_those_that_are_there(device: str, named: str) -> None:
    with pytest.raises(SourceUnavailable, match=f"camera {named}: there is no such device; cameras found: "):
        CameraV4l2(device=device).__enter__()


def test_a_file_that_is_no_camera_is_unavailable(tmp_path: Path) -> None:
    plain = tmp_path / "video0"
    plain.write_bytes(b"not a device")
    with pytest.raises(SourceUnavailable, match="does not answer as a camera"):
        CameraV4l2(device=str(plain)).__enter__()


def test_cameras_are_listed_by_their_stable_names(tmp_path: Path) -> None:
    by_id = tmp_path / "v4l" / "by-id"
    by_id.mkdir(parents=True)
    for name in ("usb-Acme_Cam_0001-video-index0", "usb-Acme_Cam_0001-video-index1"):
        (by_id / name).touch()
    (tmp_path / "video10").touch()  # a Pi's codec
    assert list_cameras(tmp_path) == [str(by_id / "usb-Acme_Cam_0001-video-index0")]


def test_where_the_system_makes_no_stable_names_nodes_are_listed(tmp_path: Path) -> None:
    (tmp_path / "video0").touch()
    assert list_cameras(tmp_path) == [str(tmp_path / "video0")]


@pytest.mark.parametrize(
    ("position_ms", "expected_ns"),
    [
        (99_950.0, 99_950_000_000),  # the driver's stamp, 50 ms ago
        (0.0, 100_000_000_000),  # a driver that stamps nothing
        (1.7e12, 100_000_000_000),  # wall-clock time
        (98_000.0, 100_000_000_000),  # some other clock
    ],
)
def test_a_drivers_stamp_is_believed_only_if_it_can_be_monotonic(position_ms: float, expected_ns: int) -> None:
    assert driver_time_ns(position_ms, 100_000_000_000) == expected_ns


@pytest.mark.parametrize(
    ("camera_hz", "wanted_hz", "kept_of_ten_seconds"), [(30, 10, 100), (10, 10, 100), (15, 10, 100), (5, 10, 50)]
)
def test_frames_are_thinned_to_the_wanted_rate(camera_hz: int, wanted_hz: int, kept_of_ten_seconds: int) -> None:
    rate = FrameRate(wanted_hz)
    jitter_ns = np.random.default_rng(1).integers(-5_000_000, 5_000_000, camera_hz * 10)
    times_ns = (np.arange(camera_hz * 10) * 1e9 / camera_hz).astype(int) + jitter_ns
    assert abs(sum(rate.keeps(int(t)) for t in times_ns) - kept_of_ten_seconds) <= 3


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_whatever_a_capture_gives_becomes_grey(channels: int) -> None:
    picture = np.full((4, 6, channels), 200, dtype=np.uint8)
    assert to_grey(picture).tolist() == [[200] * 6] * 4
