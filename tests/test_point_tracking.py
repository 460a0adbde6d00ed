from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count

import cv2
import numpy as np
import pytest
from perception import Grey, close_detector, detector, far_away

from device.features.face import EYE_DISTANCE_PX
from device.features.point_tracking import Points, PointTracker, Similarity
from device.models.detect import Box, Face
from device.models.track import FaceTracker, largest_face
from device.signals import Frame

FRAME_NS = 100_000_000
POINTS: Points = np.array([[290, 220], [340, 222], [315, 250], [316, 275], [262, 235], [368, 238]], dtype=np.float32)
WIDTH_PX = 120.0


def moved_by(angle_deg: float, scale: float, x_px: float, y_px: float) -> Similarity:
    matrix = cv2.getRotationMatrix2D((315, 240), angle_deg, scale)
    matrix[:, 2] += (x_px, y_px)
    return Similarity(np.asarray(matrix, dtype=np.float64))


def shown(picture: Grey, by: Similarity) -> Grey:
    moved = cv2.warpAffine(picture, by.matrix, picture.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.uint8)


def textured(seed: int) -> Grey:
    coarse = np.random.default_rng(seed).uniform(60, 220, (60, 80)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC).clip(0, 255), dtype=np.uint8)


def test_a_similarity_is_found_from_points() -> None:
    by = moved_by(12, 1.2, 30, -14)
    found = Similarity.between(POINTS, by(POINTS))
    assert found.matrix == pytest.approx(by.matrix, abs=1e-3)
    assert found.scale == pytest.approx(1.2)


@pytest.mark.parametrize("by", [moved_by(0, 1, 0, 0), moved_by(0, 1, 14, -9), moved_by(4, 1.04, 6, 3)])
def test_what_moves_as_one_is_followed(by: Similarity) -> None:
    tracker = PointTracker(textured(1), POINTS, WIDTH_PX)
    found = tracker.follow(shown(textured(1), by))
    assert found is not None
    assert found(POINTS) == pytest.approx(by(POINTS), abs=0.4)


def test_a_walk_is_told_from_where_it_began() -> None:
    tracker = PointTracker(textured(1), POINTS, WIDTH_PX)
    for step in range(1, 6):
        by = moved_by(2 * step, 1, 10 * step, 4 * step)
        found = tracker.follow(shown(textured(1), by))
        assert found is not None
        assert found(POINTS) == pytest.approx(by(POINTS), abs=0.8)


def test_another_scene_is_not_followed() -> None:
    assert PointTracker(textured(1), POINTS, WIDTH_PX).follow(textured(2)) is None


def test_half_of_the_points_on_what_stands_still_is_not_followed() -> None:
    picture = textured(1)
    torn = picture.copy()
    torn[:, 320:] = shown(picture, moved_by(0, 1, 12, 0))[:, 320:]
    assert PointTracker(picture, POINTS, WIDTH_PX).follow(torn) is None


def test_nothing_is_followed_in_the_dark_nor_without_pixels() -> None:
    dark = (textured(1) // 5).astype(np.uint8)
    assert PointTracker(dark, POINTS, WIDTH_PX).follow(dark) is None
    assert PointTracker(textured(1), POINTS, WIDTH_PX).follow(np.zeros((0, 0), dtype=np.uint8)) is None
    assert PointTracker(np.zeros((0, 0), dtype=np.uint8), POINTS, WIDTH_PX).follow(textured(1)) is None


def walking(frames: int) -> Iterator[Grey]:
    """A face that moves through a picture by up to half of its width in a frame, turns and comes nearer."""
    scene = cv2.resize(far_away(120, left_px=250, top_px=170), (640, 480))
    for number in range(frames):
        t = number * 0.25
        by = moved_by(9 * math.sin(1.3 * t), 1 + 0.1 * math.sin(0.9 * t), 90 * math.sin(t), 40 * math.sin(0.7 * t))
        yield shown(np.asarray(scene, dtype=np.uint8), by)


def eyes_off_px(face: Face, true: Face) -> float:
    """Of the worse eye, in pixels of the face net's 48."""
    off = max(math.dist(face.right_eye, true.right_eye), math.dist(face.left_eye, true.left_eye))
    return off * EYE_DISTANCE_PX / math.dist(true.right_eye, true.left_eye)


@pytest.mark.slow
def test_a_followed_face_is_where_the_detector_sees_it_at_a_third_of_its_looks() -> None:
    looks, find = count(), detector()

    def counted(grey: Grey, view: Box | None) -> list[Face]:
        next(looks)
        return find(grey, view)

    tracker, off = FaceTracker(counted, close_detector()), []
    for number, grey in enumerate(walking(60)):
        face = tracker(Frame(number * FRAME_NS, grey))
        assert face is not None
        box = face.box
        around = Box(box.left_px - box.width_px, box.top_px - box.width_px, 3 * box.width_px, 3 * box.width_px)
        off.append(eyes_off_px(face, find(grey, around)[0]))
    assert np.percentile(off, 95) <= 1.8
    assert max(off) <= 4
    assert next(looks) <= 12


@pytest.mark.slow
def test_a_scene_that_cuts_leaves_no_face_where_none_is() -> None:
    tracker = FaceTracker(detector())
    scene = far_away(120, left_px=250, top_px=170)
    assert all(tracker(Frame(number * FRAME_NS, scene)) for number in range(8))
    assert tracker(Frame(8 * FRAME_NS, textured(3))) is None


@pytest.mark.slow
def test_a_face_that_jumps_there_and_back_is_never_between() -> None:
    places = [far_away(130, left_px=left, top_px=60) for left in (0, 280)]
    true = [face.box for place in places if (face := largest_face(detector(), place))]
    tracker = FaceTracker(detector())
    seen = []
    for number in range(24):
        side = (number // 6) % 2
        face = tracker(Frame(number * FRAME_NS, places[side]))
        seen.append(face is not None)
        assert face is None or face.box.overlap(true[side]) > 0.5
    assert sum(seen) >= 20
