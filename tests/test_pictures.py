"""Pictures of any kind, as a replay shows them."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from media_files import GREY, frames, picture
from numpy.typing import NDArray

from device.capture.replay import open_media

pytestmark = pytest.mark.slow


def test_a_folder_of_pictures_is_shown_in_the_order_that_people_count(tmp_path: Path) -> None:
    for number in (10, 9, 1, 100):
        picture(tmp_path / f"frame{number}.png", np.full((8, 8), number, dtype=np.uint8))
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "._frame1.png").write_bytes(b"x")
    shown = frames(open_media([tmp_path], pictures_rate_hz=4))
    assert [int(frame.grey[0, 0]) for frame in shown] == [1, 9, 10, 100]
    assert [frame.captured_ns for frame in shown] == [0, 250_000_000, 500_000_000, 750_000_000]


COLOURED = np.dstack([GREY, GREY, GREY])


@pytest.mark.parametrize(
    ("name", "pixels"),
    [
        ("grey.png", GREY),
        ("sixteen_bit.png", GREY.astype(np.uint16) * 257),
        ("sixteen_bit.tif", GREY.astype(np.uint16) * 257),
        ("colour.bmp", COLOURED),
        ("sixteen_bit_colour.png", COLOURED.astype(np.uint16) * 257),
        ("rgba.png", np.dstack([COLOURED, np.full_like(GREY, 255)])),
        ("transparent.png", np.dstack([COLOURED, np.full_like(GREY, 7)])),
        ("LOUD.PNG", GREY),
    ],
)
def test_a_picture_of_any_depth_and_layout_is_the_same_grey(tmp_path: Path, name: str, pixels: NDArray[Any]) -> None:
    (shown,) = frames(open_media([picture(tmp_path / name, pixels)]))
    assert np.abs(shown.grey.astype(int) - GREY).max() <= 1


def test_a_palette_picture_is_looked_up(tmp_path: Path) -> None:
    source, palette = picture(tmp_path / "grey.png", GREY), tmp_path / "palette.png"
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg to make a palette with: apt install ffmpeg")
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(source), "-pix_fmt", "pal8", str(palette)], check=True, timeout=120
    )
    assert palette.read_bytes()[25] == 3  # PNG's colour type: indexed
    (shown,) = frames(open_media([palette]))
    assert shown.grey.shape == GREY.shape
    assert np.corrcoef(shown.grey.ravel(), GREY.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("size", [(1, 1), (4320, 7680)], ids=["1x1", "8K"])
def test_the_smallest_and_the_largest_picture_are_pictures(tmp_path: Path, size: tuple[int, int]) -> None:
    (shown,) = frames(open_media([picture(tmp_path / "face.jpg", np.full(size, 128, dtype=np.uint8))]))
    assert shown.grey.shape == size


def exif_turned(path: Path, pixels: NDArray[np.uint8], orientation: int) -> Path:
    """A JPEG with the EXIF note that it is to be turned."""
    jpeg = cv2.imencode(".jpg", pixels)[1].tobytes()
    entry = bytes([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0])
    tiff = b"MM\x00\x2a\x00\x00\x00\x08" + b"\x00\x01" + entry + b"\x00\x00\x00\x00"
    body = b"Exif\x00\x00" + tiff
    path.write_bytes(jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:])
    return path


def test_a_photo_from_a_telephone_held_upright_is_turned(tmp_path: Path) -> None:
    (shown,) = frames(open_media([exif_turned(tmp_path / "photo.jpg", GREY, orientation=6)]))
    assert shown.grey.shape == (64, 48)
    assert np.abs(shown.grey.astype(int) - np.rot90(GREY, -1)).max() < 8
