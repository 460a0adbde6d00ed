"""A camera that hangs on its head, on its side, or looks into a mirror."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from appliance import HAPPY_CLIP, affectd, running, write_config
from broker import HOST, Listener, Mosquitto
from fakes import Recording, eventually
from perception import astronaut, detector
from virtual_hardware import CAMERA_SIZE_PX, network_camera

from device.capture.turned import turned, upright
from device.config.settings import CameraSettings, Settings
from device.setup.camera_check import better_turn
from device.setup.draft import Draft
from device.signals import Frame
from device.wiring.sources import open_camera

pytestmark = pytest.mark.slow

CORNERS = np.array([[1, 2], [3, 4]], dtype=np.uint8)
"""What is in the picture's corners when the camera hangs upright."""


@pytest.mark.parametrize(
    ("seen", "turn", "mirror"),
    [
        ([[1, 2], [3, 4]], 0, False),
        ([[2, 4], [1, 3]], 90, False),
        ([[4, 3], [2, 1]], 180, False),
        ([[3, 1], [4, 2]], 270, False),
        ([[2, 1], [4, 3]], 0, True),
        ([[1, 3], [2, 4]], 90, True),
    ],
)
def test_whatever_the_camera_sees_is_turned_upright(seen: list[list[int]], turn: int, mirror: bool) -> None:
    source = Recording([Frame(5, np.array(seen, dtype=np.uint8))])
    with upright(source, turn=turn, mirror=mirror) as camera:
        (frame,) = camera
    np.testing.assert_array_equal(frame.grey, CORNERS)
    assert frame.captured_ns == 5
    assert source.closed == 1


def test_a_network_camera_is_turned() -> None:
    with network_camera() as hardware, open_camera(CameraSettings(source=hardware.address(), turn=90)) as camera:
        grey = next(iter(camera)).grey
    assert grey.shape == CAMERA_SIZE_PX
    assert grey[:24].max() < 16  # its black left half is up now
    assert grey[-24:].min() > 240


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("before", [0, 90, 180, 270])
@pytest.mark.parametrize("more", [90, 180, 270])
def test_setup_turns_what_is_shown_whatever_the_settings_did_before(before: int, more: int, mirror: bool) -> None:
    draft = Draft(Settings(camera=CameraSettings(turn=before, mirror=mirror)))  # type: ignore[arg-type]
    shown = turned(CORNERS, before, mirror=mirror)
    after = draft.with_turned_camera(more).settings.camera
    np.testing.assert_array_equal(turned(CORNERS, after.turn, mirror=after.mirror), turned(shown, more))


@pytest.mark.parametrize("hung", [0, 90, 180, 270])
def test_setup_sees_how_a_camera_hangs_by_the_face_in_its_picture(hung: int) -> None:
    portrait = turned(astronaut(), hung)
    assert better_turn(detector(), portrait) == (360 - hung) % 360


def test_a_picture_without_a_face_hangs_right() -> None:
    assert better_turn(detector(), np.full((480, 640), 90, dtype=np.uint8)) == 0


@pytest.fixture(scope="session")
def on_its_head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The happy clip as a camera on its head films it."""
    film = tmp_path_factory.mktemp("turned") / "head.mp4"
    command = ["ffmpeg", "-v", "error", "-i", str(HAPPY_CLIP), "-vf", "vflip,hflip", "-crf", "10", str(film)]
    subprocess.run(command, check=True, timeout=60)
    return film


def labels(film: Path, *options: str) -> Counter[str]:
    done = affectd("replay", film, "--mode", "face", "--json", *options)
    return Counter(json.loads(line)["label"] for line in done.stdout.splitlines())


def test_a_film_of_a_camera_on_its_head_is_read_right_once_it_is_turned(on_its_head: Path) -> None:
    assert labels(on_its_head)["happy"] == 0
    turned_back = labels(on_its_head, "--turn", "180")
    assert turned_back.most_common(1)[0][0] == "happy"
    assert set(turned_back) == set(labels(HAPPY_CLIP))


def test_a_node_with_such_a_camera_states_what_it_would_state_upright(tmp_path: Path, on_its_head: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    with Mosquitto(folder) as broker, Listener(broker.port) as house:
        config = write_config(
            tmp_path,
            node={"mode": "face"},
            replay={"media": [str(on_its_head)]},
            camera={"turn": 180},
            mqtt={"host": HOST, "port": broker.port},
        )
        with running(config) as process:
            process.wait(60)
        eventually(lambda: house.json("affectd/test/status")[-1]["state"] == "stopped")
    said = {state["label"] for state in house.json("affectd/test/state")}
    assert "happy" in said
    assert said <= {"happy", "nobody", "unknown", "uncertain"}
