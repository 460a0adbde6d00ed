"""What telephones, programs and bad luck do to a file changes nothing of what is read from it.

By the wheels' OpenCV, PyAV and NumPy, and by those of the machine's own Debian, which its package uses.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import media_twins
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
READER = ROOT / "tests" / "media_reader.py"
DEBIAN_PYTHON = os.environ.get("AFFECTD_DEBIAN_PYTHON", "")
PYTHONS = [
    pytest.param(sys.executable, id="wheels"),
    pytest.param(
        DEBIAN_PYTHON,
        id="debian",
        marks=pytest.mark.skipif(
            not DEBIAN_PYTHON, reason="AFFECTD_DEBIAN_PYTHON names no Python that has Debian's own OpenCV and PyAV"
        ),
    ),
]


def read(python: str, files: Sequence[str | Path], folder: Path, *options: str) -> dict[str, dict[str, Any]]:
    """What the reader tells of each file, by its name."""
    names = [str(file) for file in files]
    done = subprocess.run(
        [python, str(READER), *options, *names], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return dict(zip([Path(name).name for name in names], json.loads(done.stdout), strict=True))


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> media_twins.Twins:
    return media_twins.make(tmp_path_factory.mktemp("twins"))


@pytest.fixture(scope="module", params=PYTHONS)
def told(request: pytest.FixtureRequest, twins: media_twins.Twins) -> dict[str, dict[str, Any]]:
    return read(request.param, names_of(twins), twins.folder)


def names_of(twins: media_twins.Twins) -> list[str]:
    """All files that are to be read; a HEIC picture is made beside the twins."""
    kinds = [twins.film, *twins.films, twins.picture, *twins.pictures, twins.sound, *twins.sounds]
    media_twins.heic(twins.folder / "photo.heic")
    return [*kinds, "far.jpg", "very_far.jpg", "photo.heic"]


Told = dict[str, dict[str, Any]]


def alike(one: Sequence[int], other: Sequence[int]) -> bool:
    """Corners of one scene, after a codec."""
    return all(abs(a - b) <= 6 for a, b in zip(one, other, strict=True))


def says_only(label: str, labels: Sequence[str]) -> bool:
    """This emotion throughout, and no other."""
    return set(labels) == {label}


def test_a_film_is_upright_and_as_wide_as_it_was_and_whole_however_it_is_stored(
    told: Told, twins: media_twins.Twins
) -> None:
    source = told[twins.film]
    assert says_only("happy", source["labels"])
    for name in twins.films:
        assert told[name]["shape"] == source["shape"], name
        assert alike(told[name]["corners"], source["corners"]), name
        assert told[name]["frames"] == source["frames"], name
        assert says_only("happy", told[name]["labels"]), name


def test_a_picture_is_upright_whatever_kind_it_is_and_whatever_it_is_called(
    told: Told, twins: media_twins.Twins
) -> None:
    source = told[twins.picture]
    for name in twins.pictures:
        assert told[name]["shape"] == source["shape"], name
        assert alike(told[name]["corners"], source["corners"]), name
        assert told[name]["labels"] == source["labels"] == ["happy"], name


def test_a_sound_states_what_it_reported_however_it_came(told: Told, twins: media_twins.Twins) -> None:
    source = told[twins.sound]
    assert "angry" in source["labels"]
    for name in twins.sounds:
        if not name.endswith(".mp3"):  # its coding alone brings this voice below the threshold
            assert told[name]["labels"][-1] == source["labels"][-1], name
        assert told[name]["samples"] == pytest.approx(source["samples"], rel=0.05), name


def test_a_small_face_is_found_in_a_large_picture(told: Told) -> None:
    assert told["far.jpg"]["labels"] == ["happy"]
    assert told["very_far.jpg"]["labels"] == ["happy"]


def test_a_telephones_own_kind_of_picture_is_refused_by_name_with_what_to_do(told: Told) -> None:
    error = told["photo.heic"]["error"]
    assert error.startswith("photo.heic: a HEIC or AVIF picture, which is not read here; export it as JPEG")


CASES: dict[str, tuple[str, int]] = {
    "portrait_phone_90.mp4": ("happy", 57),
    "upright.mp4": ("happy", 57),
    "film_one_bad_aac_packet.mp4": ("happy", 57),
    "anamorphic.mp4": ("happy", 57),
    "upside_down_exif3.jfif": ("happy", 1),
    "exif_upside_down.webp": ("happy", 1),
    "still.gif": ("happy", 1),
    "small_face_80_of_1080.jpg": ("happy", 1),
    "bad_frame.mp3": ("angry", 0),
    "stereo_antiphase.wav": ("angry", 0),
    "name_with_colons.wav": ("angry", 0),
    "mpeg25.mp3": ("happy", 0),
}
"""The label, and how many pictures there are."""


@pytest.mark.parametrize("python", PYTHONS)
def test_every_case_that_was_found_by_use_gives_its_right_value(
    shared_cases: Path, python: str, tmp_path: Path
) -> None:
    require_right_values(read(python, files_of(shared_cases, tmp_path), tmp_path))


def files_of(shared_cases: Path, folder: Path) -> list[Path]:
    """The cases, and one of them again in ``folder``, without a suffix."""
    without_suffix = folder / "upside_down"
    without_suffix.write_bytes((shared_cases / "upside_down_exif3.jfif").read_bytes())
    return [*(shared_cases / name for name in CASES), shared_cases / "tiled.heic", without_suffix]


def require_right_values(told: Told) -> None:
    """Fail where one of ``files_of`` is not read as it should be."""
    for name, (label, frames) in CASES.items():
        labels = told[name]["labels"]
        assert told[name]["frames"] == frames, name
        assert label in labels, name
        assert not frames or says_only(label, labels), name
    assert told["upside_down"]["labels"] == ["happy"]
    assert "a HEIC or AVIF picture" in told["tiled.heic"]["error"]
