"""What cameras send becomes grey without a colour picture, as OpenCV would make it by way of one."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from damage import damaged_bytes
from virtual_hardware import PORTRAIT
from virtual_usb_camera import Seen, seen_by, usb_camera

from device.capture.raw_pictures import is_jpeg, to_grey_from

SIZE_PX = (324, 240)
ROUNDING = 2
"""Of a conversion to BGR and back in whole numbers."""
Picture = np.ndarray[Any, np.dtype[np.uint8]]


@pytest.fixture(scope="module")
def colour() -> Picture:
    portrait = cv2.imread(str(PORTRAIT))
    assert portrait is not None
    return np.asarray(cv2.resize(portrait, SIZE_PX, interpolation=cv2.INTER_AREA), dtype=np.uint8)


@pytest.fixture(scope="module")
def yuv(colour: Picture) -> Picture:
    """Of video's range, (height, width, 3), with the colour of two neighbours in one; pale, so that BGR can hold it."""
    planes = np.asarray(cv2.transform(colour.astype(np.float32), np.array(_BT601, dtype=np.float32)))
    planes += np.array([16, 128, 128], dtype=np.float32)
    planes[:, 1::2, 1:] = planes[:, ::2, 1:]
    return np.asarray(np.round(planes), dtype=np.uint8)


_BT601 = [
    [0.0979, 0.5042, 0.2568],  # of blue, green, red; the colours quartered
    [0.1098, -0.0728, -0.0370],
    [-0.0178, -0.0920, 0.1098],
]


def fourcc(name: str) -> float:
    return float(struct.unpack("<I", name.encode())[0])


def grey_of(name: str, raw: Picture) -> Picture | None:
    convert = to_grey_from(fourcc(name))
    assert convert is not None
    return convert(raw)


def by_way_of_colour(raw: Picture, code: int) -> Picture:
    return np.asarray(cv2.cvtColor(cv2.cvtColor(raw, code), cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def largest_difference(one: Picture, other: Picture) -> int:
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other).max())


def interleaved(yuv: Picture, order: str) -> Picture:
    chroma = np.where(np.arange(yuv.shape[1]) % 2 == 0, yuv[:, :, 1], yuv[:, :, 2])
    pair = (yuv[:, :, 0], chroma) if order == "YUYV" else (chroma, yuv[:, :, 0])
    return np.ascontiguousarray(np.stack(pair, axis=-1))


def planar(yuv: Picture) -> Picture:
    """4:2:0 with its colour planes, of whatever order, below; what they hold is no matter to brightness."""
    height, width = yuv.shape[:2]
    return np.concatenate([yuv[:, :, 0], np.full((height // 2, width), 128, dtype=np.uint8)])


@pytest.mark.parametrize(("name", "code"), [("YUYV", cv2.COLOR_YUV2BGR_YUY2), ("UYVY", cv2.COLOR_YUV2BGR_UYVY)])
def test_interleaved_video_becomes_the_grey_of_its_colour_picture(name: str, code: int, yuv: Picture) -> None:
    raw = interleaved(yuv, name)
    grey = grey_of(name, raw)
    assert grey is not None
    assert largest_difference(grey, by_way_of_colour(raw, code)) <= ROUNDING
    assert grey.flags.c_contiguous


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("YU12", cv2.COLOR_YUV2BGR_I420),
        ("YV12", cv2.COLOR_YUV2BGR_YV12),
        ("NV12", cv2.COLOR_YUV2BGR_NV12),
        ("NV21", cv2.COLOR_YUV2BGR_NV21),
    ],
)
def test_planes_of_video_become_the_grey_of_their_picture(name: str, code: int, yuv: Picture) -> None:
    raw = planar(yuv)
    grey = grey_of(name, raw)
    assert grey is not None
    assert largest_difference(grey, by_way_of_colour(raw, code)) <= ROUNDING


def test_the_range_of_video_is_stretched_and_what_lies_beyond_it_is_black_and_white() -> None:
    raw = np.zeros((1, 6, 2), dtype=np.uint8)
    raw[0, :, 0] = [0, 16, 17, 125, 235, 255]
    grey = grey_of("YUYV", raw)
    assert grey is not None
    assert grey.tolist() == [[0, 0, 1, 127, 255, 255]]


@pytest.mark.parametrize("size_px", [(1, 1), (17, 9), (324, 240)])
@pytest.mark.parametrize("subsampling", [0x411111, 0x221111, 0x211111, 0x111111])
def test_a_jpeg_keeps_its_brightness_as_it_was_coded(
    colour: Picture, size_px: tuple[int, int], subsampling: int
) -> None:
    small = cv2.resize(colour, size_px, interpolation=cv2.INTER_AREA)
    coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 100, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, subsampling])
    grey = grey_of("MJPG", coded[1].ravel())
    assert grey is not None
    assert largest_difference(grey, np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), dtype=np.uint8)) <= ROUNDING


def jpeg(picture: Picture) -> bytes:
    return bytes(cv2.imencode(".jpg", picture)[1])


def test_bytes_after_a_jpegs_end_are_padding(colour: Picture) -> None:
    whole = np.frombuffer(jpeg(colour), dtype=np.uint8)
    padded = np.concatenate([whole, np.zeros(500, dtype=np.uint8)])
    one, other = grey_of("MJPG", whole), grey_of("MJPG", padded)
    assert one is not None
    assert other is not None
    assert (one == other).all()


@pytest.mark.parametrize("left", [0, 1, 2, 20, 600, 5000, -2, -1])
def test_a_jpeg_that_breaks_off_is_no_picture(colour: Picture, left: int) -> None:
    assert grey_of("MJPG", np.frombuffer(jpeg(colour)[:left], dtype=np.uint8)) is None


@pytest.mark.parametrize("raw", [b"", b"not a JPEG", b"\xff\xd8\xff\xd9", b"\x89PNG\r\n\x1a\n\xff\xd9"])
def test_what_is_no_jpeg_is_no_picture(raw: bytes) -> None:
    assert grey_of("MJPG", np.frombuffer(raw, dtype=np.uint8)) is None


def test_a_jpeg_without_its_huffman_tables_has_the_usual_ones(colour: Picture) -> None:
    whole = jpeg(colour)
    bare = without_segment(whole, 0xC4)
    assert len(bare) < len(whole) - 400
    one, other = (grey_of("MJPG", np.frombuffer(data, dtype=np.uint8)) for data in (whole, bare))
    assert one is not None
    assert other is not None
    assert (one == other).all()


def without_segment(data: bytes, marker: int) -> bytes:
    """A JPEG's head less the segments of this kind; many a webcam leaves out what is always the same."""
    kept, at = data[:2], 2
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        kept += data[at:end] if data[at + 1] != marker else b""
        at = end
    return kept + data[at:]


def test_a_jpeg_that_says_it_is_huge_is_no_picture(colour: Picture) -> None:
    data = bytearray(jpeg(colour))
    size_at = data.index(b"\xff\xc0") + 5
    data[size_at : size_at + 4] = b"\xff" * 4
    assert grey_of("MJPG", np.frombuffer(data, dtype=np.uint8)) is None


def test_a_spoilt_jpeg_is_a_picture_or_none_and_never_an_end(colour: Picture) -> None:
    made = [grey_of("MJPG", np.frombuffer(data, dtype=np.uint8)) for data in damaged_bytes(jpeg(colour), 200, seed=5)]
    assert 20 < sum(grey is not None for grey in made) < 180
    assert all(grey is None or (grey.ndim == 2 and grey.dtype == np.uint8) for grey in made)


@pytest.mark.parametrize("said", [-1.0, 0.0, fourcc("H264"), fourcc("BGR3"), fourcc("Y16 ")])
def test_of_another_format_opencv_makes_a_picture_first(said: float) -> None:
    assert to_grey_from(said) is None
    assert not is_jpeg(said)


@pytest.mark.parametrize("name", ["MJPG", "JPEG", "mjpe"])
def test_jpegs_are_known_by_every_name_that_opencv_has_for_them(name: str) -> None:
    assert is_jpeg(fourcc(name))


def seen(folder: Path, name: str, pictures: Sequence[bytes], count: int, size_px: tuple[int, int] = SIZE_PX) -> Seen:
    return seen_by(usb_camera(folder, name, size_px, pictures), count)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["YUYV", "UYVY", "YU12", "NV12", "GREY"])
def test_a_usb_camera_gives_the_grey_of_what_it_sends(tmp_path: Path, yuv: Picture, name: str) -> None:
    raw = {"YUYV": interleaved, "UYVY": interleaved}.get(name, lambda yuv, _: planar(yuv))(yuv, name)
    if name == "GREY":
        raw = yuv[:, :, 0]
    got = seen(tmp_path, name, [raw.tobytes()], 3)
    expected = grey_of(name, raw)
    assert expected is not None
    assert [(frame == expected).all() for frame in got.frames] == [True] * 3
    assert got.dropped == 0


@pytest.mark.slow
def test_a_usb_cameras_damaged_jpegs_are_holes_that_are_counted(tmp_path: Path, colour: Picture) -> None:
    whole = jpeg(colour)
    got = seen(tmp_path, "MJPG", [whole, whole[:3000], b"", b"not a JPEG", whole[:-2], b"\xff\xd8"], 4)
    assert [frame.shape for frame in got.frames] == [SIZE_PX[::-1]] * 4
    assert all((frame == got.frames[0]).all() for frame in got.frames)
    assert got.dropped == 4 * 5, "OpenCV throws a camera's first picture away"


@pytest.mark.slow
def test_a_usb_camera_that_sends_nothing_whole_is_lost_and_says_so(tmp_path: Path, colour: Picture) -> None:
    got = seen(tmp_path, "MJPG", [jpeg(colour)[:3000]], 1)
    assert "all its pictures have come damaged" in got.lost
    assert got.dropped > 1


@pytest.mark.slow
def test_pictures_in_a_format_that_is_not_known_here_come_by_way_of_colour(tmp_path: Path, colour: Picture) -> None:
    got = seen(tmp_path, "RGB3", [np.ascontiguousarray(colour[:, :, ::-1]).tobytes()], 1)
    assert largest_difference(got.frames[0], np.asarray(cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY))) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("width", [318, 322])
def test_rows_that_are_no_multiple_of_four_bytes_are_not_sheared(tmp_path: Path, yuv: Picture, width: int) -> None:
    narrow = np.ascontiguousarray(cv2.resize(yuv, (width, 240)))
    got = seen(tmp_path, "YU12", [planar(narrow).tobytes()], 1, (width, 240))
    expected = grey_of("YU12", planar(narrow))
    assert expected is not None
    assert largest_difference(got.frames[0], expected) <= ROUNDING
