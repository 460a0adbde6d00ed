from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from perception import MODELS, Grey, astronaut, close_detector, detector, far_away, model

from device.errors import ModelError
from device.features import face
from device.models.detect import Box, FaceDetector, search_views
from device.models.tflite import TfliteModel
from device.models.track import CLOSE_WIDTHS, view_around

EYES = ((162, 100), (206, 103))


def near(face_eyes: tuple[tuple[float, float], ...], scale: float = 1.0) -> bool:
    pairs = zip(face_eyes, EYES, strict=True)
    return all(math.dist(seen, (x * scale, y * scale)) < 5 * scale for seen, (x, y) in pairs)


@pytest.mark.parametrize("scale", [0.4, 1, 3, 12])
def test_the_best_face_of_a_portrait_has_its_eyes_where_they_are(scale: float) -> None:
    picture = cv2.resize(astronaut(), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found, *_ = detector()(np.asarray(picture, dtype=np.uint8))
    assert near((found.right_eye, found.left_eye), scale)
    assert found.score > 0.7
    assert found.box.width_px == pytest.approx(98 * scale, rel=0.15)
    assert found.nose[1] < found.mouth[1]
    assert found.right_ear[0] < found.left_ear[0]


def test_two_people_are_two_faces() -> None:
    both = np.hstack([astronaut(), astronaut()])
    best_two = sorted(detector()(both)[:2], key=lambda f: f.box.left_px)
    assert [round(f.box.left_px) // 360 for f in best_two] == [0, 1]


@pytest.mark.parametrize("empty", [np.zeros((0, 0)), np.zeros((0, 9)), np.zeros((9, 0))])
def test_no_pixels_no_face(empty: np.ndarray) -> None:
    assert detector()(empty.astype(np.uint8)) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (2, 2), (48, 48), (480, 640), (4320, 7680)])
@pytest.mark.parametrize("shade", [0, 127, 255])
def test_an_empty_picture_has_no_face(shape: tuple[int, int], shade: int) -> None:
    assert detector()(np.full(shape, shade, dtype=np.uint8)) == []


def test_noise_has_no_face() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (20, 240, 320), dtype=np.uint8)
    assert [detector()(picture) for picture in noise] == [[]] * 20


def test_how_the_picture_lies_in_memory_does_not_matter() -> None:
    wide = np.zeros((720, 720), dtype=np.uint8)
    wide[::2, ::2] = astronaut()
    for view in (wide[::2, ::2], np.asfortranarray(astronaut())):
        assert detector()(view) == detector()(astronaut())


def test_the_same_picture_gives_the_same_faces() -> None:
    assert detector()(astronaut()) == detector()(astronaut())


def test_a_far_face_is_found_in_a_view_and_reported_in_pixels_of_the_whole_picture() -> None:
    scene = far_away(48, left_px=300, top_px=200)
    assert detector()(scene) == []
    found = [f for view in search_views(scene) for f in detector()(scene, view)]
    right_eye = (300 + EYES[0][0] * 48 / 98, 200 + EYES[0][1] * 48 / 98)
    assert found
    assert all(math.dist(f.right_eye, right_eye) < 4 for f in found)


@pytest.mark.parametrize("view", [Box(-50, -50, 20, 20), Box(900, 900, 50, 50), Box(10, 10, 0, 0), Box(359.6, 0, 9, 9)])
def test_a_view_beside_the_picture_has_no_face(view: Box) -> None:
    assert detector()(astronaut(), view) == []


@pytest.mark.parametrize(("height", "width"), [(480, 640), (360, 640), (640, 480), (1, 1), (1, 700), (300, 300)])
def test_the_search_views_cover_the_picture_and_are_few(height: int, width: int) -> None:
    seen = np.zeros((height, width), dtype=bool)
    views = search_views(np.zeros((height, width), dtype=np.uint8))
    for view in views:
        left, top = int(view.left_px), int(view.top_px)
        assert left >= 0
        assert top >= 0
        seen[top : top + int(view.height_px), left : left + int(view.width_px)] = True
    assert seen.all()
    assert len(views) <= 9


def test_overlap_is_one_with_itself_and_nothing_beside() -> None:
    box = Box(10, 10, 20, 20)
    assert box.overlap(box) == 1
    assert box.overlap(Box(20, 10, 20, 20)) == pytest.approx(1 / 3)
    assert box.overlap(Box(30, 10, 20, 20)) == 0
    assert Box(0, 0, 0, 0).overlap(Box(0, 0, 0, 0)) == 0


def test_a_model_made_for_something_else_is_refused() -> None:
    detector()

    class Other:
        card = replace(model("blazeface_short").card, kind="face")

    with pytest.raises(ModelError, match="needs detector"):
        FaceDetector(Other())  # type: ignore[arg-type]


def video_frames(path: Path, step: int) -> list[Grey]:
    capture = cv2.VideoCapture(str(path))
    pictures = []
    while (taken := capture.read())[0]:
        pictures.append(np.asarray(cv2.cvtColor(taken[1], cv2.COLOR_BGR2GRAY), dtype=np.uint8))
    capture.release()
    return pictures[::step]


@pytest.mark.slow
def test_real_videos_show_one_face_in_every_frame(shared_data: Path) -> None:
    videos = [*sorted(shared_data.glob("crema_d/*/*.flv")), shared_data / "samples/WolfgangLanger_Pexels.mp4"]
    for video in videos:
        assert {len(detector()(grey)) for grey in video_frames(video, 12)} == {1}, video.name


@pytest.mark.slow
def test_fer2013_faces_are_found_with_their_eyes_where_the_crop_puts_them(shared_data: Path) -> None:
    """The measurement behind the constants of ``device.features.face``, on a tenth of its images."""
    corpus = np.load(shared_data / "fer2013" / "fer2013_ferplus.npz")
    images = corpus["images"][(corpus["usage"] == 0) & (corpus["pixel_source"] == 0)][::150]
    framed = [cv2.copyMakeBorder(image, 24, 24, 24, 24, cv2.BORDER_REPLICATE) for image in images]
    enlarged = [cv2.resize(f, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC) for f in framed]
    found = [faces[0] for picture in enlarged if (faces := detector()(np.asarray(picture, dtype=np.uint8)))]
    assert len(found) >= 0.94 * len(images)
    points = np.array([(f.right_eye, f.left_eye, f.mouth) for f in found]) / 3 - 24
    eyes_px = np.median(np.hypot(*(points[:, 1] - points[:, 0]).T))
    middle = (points[:, 0] + points[:, 1]) / 2
    assert eyes_px == pytest.approx(face.EYE_DISTANCE_PX, abs=0.5)
    assert np.median(middle, axis=0) == pytest.approx(face.EYES_MIDDLE, abs=0.7)
    assert np.median(points[:, 2, 1] - middle[:, 1]) == pytest.approx(face.EYES_TO_MOUTH_PX, abs=0.7)


def test_the_close_detector_sees_the_same_face_around_it_on_half_the_pixels() -> None:
    whole, close = detector(), close_detector()
    seen, *_ = whole(astronaut())
    again, *_ = close(astronaut(), view_around(seen, CLOSE_WIDTHS))
    assert again.box.overlap(seen.box) > 0.8
    for point, other in zip(again.key_points, seen.key_points, strict=True):
        assert np.hypot(*(point - other)) < 0.06 * seen.box.width_px


def test_a_detectors_card_that_names_an_impossible_size_is_refused() -> None:
    card = model("blazeface_short").card
    odd = replace(card, inputs=(replace(card.input, shape=(1, 64, 64, 3)),))
    with pytest.raises(ModelError, match="output"):
        TfliteModel(odd, MODELS)
