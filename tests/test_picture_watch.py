"""Pictures that come and show nothing: repeated ones, and black ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from appliance import affectd, running, write_config
from broker import HOST, Listener, Mosquitto
from fakes import Recording, eventually
from numpy.typing import NDArray
from perception import astronaut, detector
from test_pipeline import SeesJoy, taken
from virtual_hardware import network_camera

from device.capture.picture_watch import BLACK, FROZEN, PictureWatch, WatchedPictures, is_black
from device.pipeline.run import ThreadedPipeline
from device.signals import Frame
from device.stages import Branch

pytestmark = pytest.mark.slow

SECOND = 1_000_000_000
SIZE = (480, 640)
Grey = NDArray[np.uint8]


def noisy(scene: NDArray[Any], sigma: float, seed: int) -> Grey:
    noise = np.random.default_rng(seed).normal(0, sigma, scene.shape)
    return np.clip(np.rint(scene + noise), 0, 255).astype(np.uint8)


def portrait() -> Grey:
    return np.asarray(cv2.resize(astronaut(), SIZE[::-1]), dtype=np.uint8)


def story(picture: Callable[[int], Grey], seconds: int, watch: PictureWatch | None = None, begin: int = 0) -> list[str]:
    """What is wrong at each second, of a picture a second."""
    watch = watch or PictureWatch()
    told = []
    for second in range(begin, begin + seconds):
        watch.see(second * SECOND, picture(second))
        told.append(watch.warning)
    return told


def test_a_picture_that_is_repeated_for_ten_seconds_is_frozen() -> None:
    assert story(lambda _: portrait(), 13) == [""] * 10 + [FROZEN] * 3


def test_a_camera_that_goes_on_is_believed_at_once() -> None:
    watch = PictureWatch()
    assert story(lambda _: portrait(), 12, watch)[-1] == FROZEN
    assert story(lambda second: noisy(portrait(), 1, second), 5, watch, begin=12) == [""] * 5


@pytest.mark.parametrize("sigma", [0.3, 1.0, 3.0])
def test_somebody_who_sits_still_before_a_real_sensor_is_believed(sigma: float) -> None:
    assert set(story(lambda second: noisy(portrait(), sigma, second), 30)) == {""}


def test_one_pixel_that_changes_is_a_new_picture() -> None:
    def flickering(second: int) -> Grey:
        picture = portrait()
        picture[101, 203] = second % 256
        return picture

    assert set(story(flickering, 30)) == {""}


def test_a_still_of_nine_seconds_as_codecs_make_it_is_believed() -> None:
    assert set(story(lambda second: noisy(portrait(), 1, second // 10), 40)) == {""}


def covered(level: float, sigma: float, seed: int) -> Grey:
    """A covered lens: black level, the sensor's noise under full gain, and a slope across the picture."""
    return noisy(np.full(SIZE, level) + np.linspace(0, 4, SIZE[1]), sigma, seed)


def as_jpeg(picture: Grey) -> Grey:
    encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


@pytest.mark.parametrize("level", [0, 16, 30])
@pytest.mark.parametrize("sigma", [0.5, 2, 5, 10, 15])
def test_a_covered_lens_is_black_however_much_its_sensor_hisses(level: float, sigma: float) -> None:
    for seed in range(3):
        assert is_black(covered(level, sigma, seed))
        assert is_black(as_jpeg(covered(level, sigma, seed)))


@pytest.mark.parametrize("light", [1.0, 0.3, 0.1, 0.06])
@pytest.mark.parametrize("sigma", [0, 5])
def test_a_face_that_can_be_found_in_the_dark_is_not_taken_for_a_covered_lens(light: float, sigma: float) -> None:
    picture = noisy(portrait() * light + 4, sigma, 1)
    assert detector()(picture)
    assert not is_black(picture)


@pytest.mark.parametrize("grey", [45, 128, 255])
def test_a_bright_wall_is_not_black(grey: int) -> None:
    assert not is_black(np.full(SIZE, grey, dtype=np.uint8))


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (48, 64)])
def test_pictures_of_any_size_can_be_watched(size: tuple[int, int]) -> None:
    assert story(lambda _: np.zeros(size, dtype=np.uint8), 12)[-1] == BLACK


def test_black_is_reported_after_ten_seconds_and_taken_back_with_the_first_light() -> None:
    watch = PictureWatch()
    assert story(lambda second: covered(8, 3, second), 12, watch) == [""] * 10 + [BLACK] * 2
    assert story(lambda second: noisy(portrait(), 1, second), 2, watch, begin=12) == ["", ""]


def test_a_picture_of_another_size_is_another_picture() -> None:
    watch = PictureWatch()
    watch.see(0, np.full((48, 64), 99, dtype=np.uint8))
    watch.see(11 * SECOND, np.full((64, 48), 99, dtype=np.uint8))
    assert watch.warning == ""


def test_of_frozen_pictures_the_lane_gives_no_readings_and_gives_the_reason() -> None:
    frames = [Frame(second * SECOND, portrait()) for second in range(15)]
    source = WatchedPictures(Recording(frames, live=True))
    with ThreadedPipeline([Branch("camera", lambda: source, SeesJoy())]) as pipeline:
        readings = taken(pipeline, lambda: pipeline.states["camera"].blind and not pipeline.queued_readings)
        told = pipeline.states["camera"]
    assert (told.state, told.reason, told.perceives) == ("degraded", FROZEN, False)
    assert [reading.captured_ns for reading in readings] == [second * SECOND for second in range(10)]


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with Mosquitto(folder) as broker:
        yield broker


def camera_status(house: Listener) -> str:
    told = (house.json("affectd/test/status/camera") or [{"state": "", "reason": ""}])[-1]
    return f"{told['state']}: {told['reason']}"


def test_a_network_camera_that_repeats_one_picture_is_degraded_and_no_emotion_is_reported(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    with network_camera() as hardware, Listener(mosquitto.port) as house:
        mqtt = {"host": HOST, "port": mosquitto.port, "heartbeat_s": 1}
        source = {"source": hardware.address("face")}
        with running(write_config(tmp_path, node={"mode": "face"}, camera=source, mqtt=mqtt)):
            eventually(lambda: "happy" in {state["label"] for state in house.json("affectd/test/state")}, 30)
            eventually(lambda: camera_status(house) == f"degraded: {FROZEN}", 40)
            assert house.json("affectd/test/status/camera")[-1]["blind"] is True
            house.heard.clear()
            eventually(lambda: len(house.json("affectd/test/state")) >= 3, 30)
            assert not house.json("affectd/test/state")[-1]["modalities"]["face"]["present"]


def test_a_still_picture_is_replayed_as_it_is_and_on_a_loop_it_is_a_camera(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    still = tmp_path / "still.png"
    cv2.imwrite(str(still), portrait())
    replayed = [json.loads(line) for line in affectd("replay", *[still] * 30, "--json").stdout.splitlines()]
    assert replayed[-1]["label"] == "happy"
    assert replayed[-1]["ts"] > replayed[0]["ts"]
    mqtt = {"host": HOST, "port": mosquitto.port}
    with Listener(mosquitto.port) as house:
        loop = {"media": [str(still)], "loop": True}
        with running(write_config(tmp_path, node={"mode": "face"}, replay=loop, mqtt=mqtt)):
            eventually(lambda: camera_status(house) == f"degraded: {FROZEN}", 60)
