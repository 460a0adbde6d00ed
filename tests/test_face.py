from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from perception import Grey, astronaut

from device.features.face import EYE_DISTANCE_PX, EYES_MIDDLE, EYES_TO_MOUTH_PX, FaceCrop, Point, face_crop

RIGHT_EYE, LEFT_EYE, MOUTH = (162.0, 100.0), (206.0, 103.0), (181.0, 147.0)


def crop_of(grey: Grey, scale: float = 1.0) -> FaceCrop:
    def scaled(point: Point) -> Point:
        return (point[0] * scale, point[1] * scale)

    found = face_crop(grey, right_eye=scaled(RIGHT_EYE), left_eye=scaled(LEFT_EYE), mouth=scaled(MOUTH))
    assert found is not None
    return found


def drawn(middle: Point, eyes_px: float, roll: float) -> tuple[Grey, Point, Point, Point]:
    """A grey picture with a white disc at each eye and a black one at the mouth."""
    grey = np.full((480, 640), 128, dtype=np.uint8)

    def at(right: float, down: float) -> Point:
        cos, sin = math.cos(roll), math.sin(roll)
        return (middle[0] + cos * right - sin * down, middle[1] + sin * right + cos * down)

    points = at(-eyes_px / 2, 0), at(eyes_px / 2, 0), at(0, eyes_px * EYES_TO_MOUTH_PX / EYE_DISTANCE_PX)
    for (x, y), shade in zip(points, (255, 255, 0), strict=True):
        centre = (round(x * 16), round(y * 16))
        cv2.circle(grey, centre, round(eyes_px / 8 * 16), shade, -1, cv2.LINE_AA, shift=4)
    return grey, *points


@settings(max_examples=40, deadline=None)
@given(
    x=st.floats(200, 440),
    y=st.floats(150, 300),
    eyes_px=st.floats(18, 150),
    roll=st.floats(-0.7, 0.7),
)
def test_eyes_and_mouth_land_where_fer2013_has_them(x: float, y: float, eyes_px: float, roll: float) -> None:
    grey, right_eye, left_eye, mouth = drawn((x, y), eyes_px, roll)
    crop = face_crop(grey, right_eye=right_eye, left_eye=left_eye, mouth=mouth)
    assert crop is not None
    face = crop.pixels[:, :, 0] - 128 / 255
    half = EYE_DISTANCE_PX / 2
    assert middle_of(face[:, :24]) == pytest.approx((EYES_MIDDLE[0] - half, EYES_MIDDLE[1]), abs=0.4)
    assert middle_of(face[:, 24:]) == pytest.approx((EYES_MIDDLE[0] + half - 24, EYES_MIDDLE[1]), abs=0.4)
    mouth_at = (EYES_MIDDLE[0], EYES_MIDDLE[1] + EYES_TO_MOUTH_PX)
    assert middle_of(-face) == pytest.approx(mouth_at, abs=0.4)


def middle_of(bright: np.ndarray) -> Point:
    weights = np.maximum(bright - 0.1, 0)
    y, x = np.mgrid[: bright.shape[0], : bright.shape[1]]
    return float((weights * x).sum() / weights.sum()), float((weights * y).sum() / weights.sum())


def test_a_crop_has_the_input_shape_of_a_model() -> None:
    pixels = crop_of(astronaut()).pixels
    assert pixels.shape == (48, 48, 1)
    assert pixels.dtype == np.float32
    assert 0 <= pixels.min() < 0.2
    assert 0.8 < pixels.max() <= 1


@pytest.mark.parametrize("scale", [0.5, 2, 6, 24])
def test_the_same_face_from_any_distance_gives_nearly_the_same_crop(scale: float) -> None:
    size = round(360 * scale)
    resized = cv2.resize(astronaut(), (size, size), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    difference = np.abs(crop_of(resized, size / 360).pixels - crop_of(astronaut()).pixels)
    assert difference.mean() < 0.03


def test_fine_stripes_shrink_to_grey_and_not_to_an_alias() -> None:
    stripes = np.zeros((1200, 1200), dtype=np.uint8)
    stripes[:, ::2] = 255
    crop = face_crop(stripes, right_eye=(440.3, 500), left_eye=(760.7, 500), mouth=(600, 840))
    assert crop is not None
    assert np.ptp(crop.pixels) < 0.06


def test_a_head_turned_aside_is_not_blown_up() -> None:
    grey, _, _, mouth = drawn((320, 200), 80, 0)
    frontal = face_crop(grey, right_eye=(280, 200), left_eye=(360, 200), mouth=mouth)
    turned = face_crop(grey, right_eye=(305, 200), left_eye=(335, 200), mouth=mouth)
    assert frontal is not None
    assert turned is not None
    assert np.count_nonzero(turned.pixels < 0.1) < 2 * np.count_nonzero(frontal.pixels < 0.1)


def test_a_mouth_open_in_surprise_does_not_shrink_the_face() -> None:
    closed = crop_of(astronaut())
    opened = face_crop(astronaut(), right_eye=RIGHT_EYE, left_eye=LEFT_EYE, mouth=(180, 153))
    assert opened is not None
    np.testing.assert_array_equal(opened.pixels, closed.pixels)


@pytest.mark.parametrize("name", ["blurred", "dark", "glaring", "flat", "tiny"])
def test_quality_falls_with(name: str) -> None:
    face = astronaut()
    worse = {
        "blurred": cv2.GaussianBlur(face, (0, 0), 6),
        "dark": (face * 0.1).astype(np.uint8),
        "glaring": np.maximum(face, 240),
        "flat": (100 + face * 0.1).astype(np.uint8),
        "tiny": cv2.resize(face, (72, 72), interpolation=cv2.INTER_AREA),
    }[name]
    assert crop_of(face).quality == 1
    assert crop_of(worse, len(worse) / len(face)).quality < 0.6


def test_the_more_it_is_blurred_the_less_it_counts() -> None:
    blurs = [cv2.GaussianBlur(astronaut(), (0, 0), sigma) for sigma in (1, 3, 5, 8)]
    qualities = [crop_of(grey).quality for grey in blurs]
    assert qualities == sorted(qualities, reverse=True)


@pytest.mark.parametrize(
    ("right_eye", "left_eye", "mouth"),
    [
        ((50.0, 50.0), (50.0, 50.0), (50.0, 50.0)),
        ((50.0, 50.0), (50.2, 50.0), (50.0, 50.3)),
        ((-9e9, 0.0), (9e9, 0.0), (0.0, 9e9)),
        ((math.nan, 50.0), (60.0, 50.0), (55.0, 60.0)),
    ],
)
def test_points_that_make_no_face_give_none(right_eye: Point, left_eye: Point, mouth: Point) -> None:
    assert face_crop(astronaut(), right_eye=right_eye, left_eye=left_eye, mouth=mouth) is None


def test_a_face_at_the_border_repeats_the_border() -> None:
    crop = face_crop(np.full((90, 60), 77, dtype=np.uint8), right_eye=(1, 5), left_eye=(40, 5), mouth=(20, 45))
    assert crop is not None
    assert np.unique(crop.pixels).tolist() == pytest.approx([77 / 255])


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (1, 1), (1, 400), (4320, 7680)])
def test_a_picture_of_any_size_gives_a_crop_or_none(shape: tuple[int, int]) -> None:
    crop = face_crop(np.zeros(shape, dtype=np.uint8), right_eye=(0, 0), left_eye=(2, 0), mouth=(1, 2))
    assert crop is None or crop.quality == 0


def test_how_the_picture_lies_in_memory_does_not_matter() -> None:
    wide = np.zeros((720, 720), dtype=np.uint8)
    wide[::2, ::2] = astronaut()
    mirrored = np.ascontiguousarray(astronaut()[::-1, ::-1])
    for view in (wide[::2, ::2], np.asfortranarray(astronaut()), mirrored[::-1, ::-1]):
        np.testing.assert_array_equal(crop_of(view).pixels, crop_of(astronaut()).pixels)
