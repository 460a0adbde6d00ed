"""No file, however damaged, gives a traceback: it is read as far as it goes, or refused in a line that names it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hostile
import pytest
from damage import damaged, sources
from processes import run
from test_media_cases import PYTHONS, READER, read

pytestmark = pytest.mark.slow

COUNT, SEED = 400, 14
MAX_MIB, MAX_S = 400, 20.0


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


AND_ITS_USE = """
import json, resource, runpy, sys
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
used = resource.getrusage(resource.RUSAGE_SELF)
most = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([int(most), used.ru_utime + used.ru_stime]))
"""
"""Runs a program and tells on a line of its own what that took: memory in KiB, the processor in s.

Not ``ru_maxrss``: that of the process which started it, a large one, is handed down.
"""


def frugally_read(python: str, files: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """What the reader tells of each file, by its name; it takes little memory and time of the processor."""
    done = run([python, "-c", AND_ITS_USE, READER, "--decode", *files])
    assert done.returncode == 0, done.stderr
    told, (most_kib, seconds) = map(json.loads, done.stdout.splitlines())
    assert most_kib < MAX_MIB * 1024
    assert seconds < MAX_S
    return dict(zip([file.name for file in files], told, strict=True))


@pytest.mark.parametrize("python", PYTHONS)
def test_small_files_that_ask_for_much_are_refused_at_once(python: str, tmp_path: Path) -> None:
    made = {
        "scans.jpg": hostile.picture_of_many_scans(2_000, 3_000),
        "length.png": hostile.picture_with_a_false_length(),
        "samples.mp4": hostile.film_of_many_samples(tmp_path),
        "head.wav": hostile.wave_that_ends_within_its_head(),
    }
    for name, data in made.items():
        (tmp_path / name).write_bytes(data)
    told = frugally_read(python, [tmp_path / name for name in made])
    assert "more than 100 scans" in told["scans.jpg"]["error"]
    assert "cannot be read" in told["length.png"]["error"]
    assert "error" in told["head.wav"]


@pytest.mark.parametrize("python", PYTHONS)
def test_files_that_once_took_gigabytes_or_minutes_do_not(shared_cases: Path, python: str) -> None:
    names = ["scans_2000.jpg", "mp4_stsz_50000000.mp4", "film_intra_100.mkv", "png_idat_7fffffff.png"]
    told = frugally_read(python, [shared_cases / "hostile" / name for name in names])
    assert all("error" in said for said in told.values())
    assert "5000 × 4992 pixels" in told["film_intra_100.mkv"]["error"]
