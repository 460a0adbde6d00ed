import pytest
from fakes import Recording

from device.capture.camera_pi import CameraPi
from device.capture.camera_v4l2 import CameraV4l2
from device.capture.cameras import CameraKind, camera_kinds, found_cameras, open_camera_kind, register
from device.signals import Frame
from device.stages import Source

VGA = (640, 480)


def test_a_source_names_its_kind_and_what_no_kind_claims_is_opencv_s() -> None:
    opened = [open_camera_kind(source, size_px=VGA, rate_hz=5) for source in ("pi", "pi:imx708", "/dev/video0", "0")]
    assert [isinstance(camera, CameraPi) for camera in opened] == [True, True, False, False]
    address = open_camera_kind("rtsp://name:secret@camera/1", size_px=VGA, rate_hz=5)
    assert isinstance(address, CameraV4l2)
    assert address.name == "rtsp://camera"


@pytest.fixture
def addresses() -> list[str]:
    return []


def test_a_new_kind_is_opened_and_listed_by_its_prefix(addresses: list[str]) -> None:
    def thermal(address: str, /, *, size_px: tuple[int, int], rate_hz: float) -> Source[Frame]:
        addresses.append(f"{address} {size_px} {rate_hz}")
        return Recording([])

    register(CameraKind("thermal", thermal, lambda: ["lepton"]))
    try:
        open_camera_kind("thermal:lepton", size_px=VGA, rate_hz=5)
        assert "thermal:lepton" in found_cameras()
    finally:
        camera_kinds().pop("thermal")
    assert addresses == ["lepton (640, 480) 5"]
