"""No file, however damaged, gives a traceback: it is read as far as it goes, or refused in a line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest
from damage import damaged, sources
from test_media_cases import PYTHONS, read

COUNT, SEED = 400, 14


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return sources(tmp_path_factory.mktemp("whole") / "files")


@pytest.mark.parametrize("python", PYTHONS)
def test_a_damaged_file_is_read_as_far_as_it_goes_or_refused_in_a_line(
    python: str, whole: list[Path], tmp_path: Path
) -> None:
    files = damaged(whole, tmp_path / "damaged", COUNT, SEED)
    told = read(python, files, tmp_path, "--decode")
    errors = {name: said["error"] for name, said in told.items() if "error" in said}
    assert len(told) == COUNT
    assert COUNT / 20 < len(errors) < COUNT / 2
    for name, error in errors.items():
        assert error.startswith(f"{tmp_path / 'damaged' / name}: "), error
        assert "\n" not in error, error


@pytest.mark.parametrize("python", PYTHONS)
def test_files_that_once_gave_a_traceback_do_not(shared_cases: Path, python: str, tmp_path: Path) -> None:
    hostile = ["media_1_AttributeError", "media_2_IndexError", "wav_runtime_60.wav", "png_idat_7fffffff.png"]
    told = read(python, [shared_cases / "hostile" / name for name in hostile], tmp_path, "--decode")
    assert told["media_2_IndexError"]["frames"] > 50
    for name in set(hostile) - {"media_2_IndexError"}:
        assert told[name]["error"].startswith(f"{shared_cases / 'hostile' / name}: ")
