"""The motion detector on composed films of 640 x 480 pixels at ten frames a second, with a sensor's noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from perception import Grey, astronaut, detector, far_away

from device.features.motion import MotionDetector
from device.models.detect import Box, Face
from device.models.track import FaceTracker
from device.signals import Frame

FRAME_NS = 100_000_000
RATE_HZ = 10
FloatPicture = NDArray[np.float32]
Film = Callable[[int], FloatPicture]


def furnished() -> FloatPicture:
    """An uneven room: soft shapes of all greys."""
    coarse = np.random.default_rng(1).uniform(20, 220, (12, 16)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


ROOM = furnished()
NOISE = np.random.default_rng(2).standard_normal((11, *ROOM.shape), dtype=np.float32)


def seen(film: Film, frames: int, *, noise: float = 3.0) -> Iterator[Grey]:
    """The film through a noisy sensor."""
    for number in range(frames):
        yield through_sensor(film(number), number, noise)


def through_sensor(picture: FloatPicture, number: int, noise: float) -> Grey:
    """With noise of so many grey levels; it repeats after eleven frames."""
    noisy = picture + np.float32(noise) * NOISE[number % len(NOISE)]
    return np.asarray(np.clip(np.rint(noisy), 0, 255), dtype=np.uint8)


def moving(film: Film, seconds: float, *, noise: float = 3.0) -> list[bool]:
    """Whether each frame moves."""
    motion = MotionDetector()
    pictures = seen(film, round(seconds * RATE_HZ), noise=noise)
    return [motion(grey, number * FRAME_NS) for number, grey in enumerate(pictures)]


def still(_: int) -> FloatPicture:
    return ROOM


def with_face(width_px: int) -> FloatPicture:
    """The room, and a face of so many pixels in it."""
    picture = ROOM.copy()
    face = cv2.resize(astronaut()[60:180, 160:280], (2 * width_px, 2 * width_px), interpolation=cv2.INTER_AREA)
    picture[200 : 200 + 2 * width_px, 300 : 300 + 2 * width_px] = face
    return picture


@pytest.mark.parametrize("noise", [0.0, 3.0, 8.0])
def test_noise_alone_is_no_motion(noise: float) -> None:
    first, *others = moving(still, 10, noise=noise)
    assert first
    assert not any(others)


@pytest.mark.parametrize("brightness", [1.0, 0.25])
def test_a_head_that_comes_or_turns_is_motion_at_once(brightness: float) -> None:
    here = with_face(32)
    came = moving(lambda n: np.float32(brightness) * (ROOM if n < 50 else here), 6, noise=3)
    assert not any(came[1:50])
    assert came[50]


def test_a_lamp_that_flickers_is_no_motion() -> None:
    beats = moving(lambda n: ROOM * np.float32(1 + 0.15 * np.sin(n * 1.3)), 10)
    rows = np.arange(480, dtype=np.float32)[:, None]
    bands = moving(lambda n: ROOM * (1 + 0.1 * np.sin(rows / 40 + n * 1.3)).astype(np.float32), 10)
    assert not any(beats[20:])
    assert not any(bands[20:])


def test_darkness_that_falls_is_no_motion() -> None:
    assert not any(moving(lambda n: ROOM * np.float32(max(0.3, 1 - n / 100)), 10)[1:])


def test_what_moves_all_the_time_is_no_motion_for_ever() -> None:
    def fan(number: int) -> FloatPicture:
        picture = ROOM.copy()
        tip = (int(500 + 60 * np.cos(number * 2.1)), int(120 + 60 * np.sin(number * 2.1)))
        return np.asarray(cv2.line(picture, (500, 120), tip, 255.0, 24), dtype=np.float32)

    def trembling(number: int) -> FloatPicture:
        shift = np.array([[1, 0, (number * 7) % 3 - 1], [0, 1, (number * 5) % 3 - 1]], dtype=np.float32)
        return np.asarray(cv2.warpAffine(ROOM, shift, (640, 480), borderMode=cv2.BORDER_REPLICATE), dtype=np.float32)

    for film in (fan, trembling):
        moves = moving(film, 30)
        assert any(moves[1:20])
        assert np.mean(moves[-100:]) < 0.5


def test_after_a_gap_the_stream_begins_anew() -> None:
    motion, here = MotionDetector(), with_face(48)
    for number in range(30):
        motion(through_sensor(ROOM, number, 3), number * FRAME_NS)
    gap = 150
    seen = [motion(through_sensor(here, gap + n, 3), (gap + n) * FRAME_NS) for n in range(50)]
    assert seen[0]
    assert not any(seen[1:])
    assert motion(through_sensor(ROOM, 200, 3), 200 * FRAME_NS)


def test_what_always_moves_is_known_to_hide_a_face() -> None:
    motion, random = MotionDetector(), np.random.default_rng(5)
    for number in range(100):
        screen = ROOM.copy()
        screen[100:300, 200:500] = random.uniform(0, 255)
        motion(through_sensor(screen, number, 3), number * FRAME_NS)
    assert motion.is_masked
    still_room = MotionDetector()
    for number in range(100):
        still_room(through_sensor(ROOM, number, 8), number * FRAME_NS)
    assert not still_room.is_masked


@pytest.mark.parametrize(("period_s", "share"), [(3.3, 0.1), (2.0, 0.5)])
def test_a_slow_curtain_or_fan_is_seldom_motion(period_s: float, share: float) -> None:
    def curtain(number: int) -> FloatPicture:
        picture = ROOM.copy()
        edge = 500 + round(30 * np.sin(2 * np.pi * number / RATE_HZ / period_s))
        picture[:, edge:] = 200
        return picture

    assert np.mean(moving(curtain, 40)[-150:]) <= share


def test_time_that_goes_back_and_other_pictures_begin_anew() -> None:
    motion = MotionDetector()
    picture = ROOM.astype(np.uint8)
    assert [motion(picture, 0), motion(picture, FRAME_NS)] == [True, False]
    assert motion(picture, 0)
    assert motion(picture[:240], FRAME_NS)
    assert motion(np.zeros((0, 0), dtype=np.uint8), 2 * FRAME_NS)


@pytest.mark.slow
@pytest.mark.parametrize("empty_s", [5, 70])
@pytest.mark.parametrize(("face_px", "frames"), [(140, 2), (48, 8)])
def test_who_comes_into_an_empty_room_is_found_as_soon_as_without_the_rest(
    empty_s: int, face_px: int, frames: int
) -> None:
    scene = far_away(face_px, left_px=300, top_px=200)
    empty = np.full_like(scene, int(np.median(scene)))
    looks, find = count(), detector()

    def counted(grey: Grey, view: Box | None) -> list[Face]:
        next(looks)
        return find(grey, view)

    tracker = FaceTracker(counted)
    times = range(empty_s * RATE_HZ + frames)
    faces = []
    for number in times:
        picture = empty if number < empty_s * RATE_HZ else scene
        noisy = through_sensor(picture.astype(np.float32), number, 3)
        faces.append(tracker(Frame(number * FRAME_NS, noisy)))
    assert not any(faces[: empty_s * RATE_HZ])
    assert any(faces[empty_s * RATE_HZ :])
    assert next(looks) <= 20 + 2 * empty_s + 3 * frames
