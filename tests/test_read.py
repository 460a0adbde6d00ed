"""`affectd-server read`: each file of a folder once, in order, as rows that spreadsheets and pandas take."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from perception import astronaut
from server_process import HAPPY_CLIP, affectd_server, encoded, jpeg, speech_wav

from desktop_server.analysis.folder import ReadOptions, media_files, read_files
from desktop_server.analysis.request import AnalysisRequest
from desktop_server.schema.analysis import AnalysisResponse
from desktop_server.schema.problems import RequestError
from desktop_server.schema.rows import COLUMNS, text_cell
from device.errors import AffectdError
from device.readings import EMOTIONS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures, a film, a voice, and two files that are none of these."""
    made = tmp_path_factory.mktemp("folder")
    (made / "10, second.jpg").write_bytes(jpeg())
    (made / "2.tif").write_bytes(encoded(".tiff", astronaut()))
    (made / "class").mkdir()
    (made / "class" / "ä.wav").write_bytes(speech_wav())
    shutil.copy(HAPPY_CLIP, made / "class" / "film.flv")
    (made / "notes.txt").write_text("no picture and no sound")
    (made / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (made / ".hidden.jpg").write_bytes(jpeg())
    return made


def rows_in(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_a_picture_is_a_row_and_a_recording_a_row_an_estimate(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "table.csv"
    done = affectd_server("read", folder, "--csv", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    named = done.stderr.splitlines()
    assert [line.partition(":")[0] for line in named[:2]] == ["notes.txt", "torn.png"]
    assert named[2] == "2 of 6 files left out, named above"
    assert out.read_bytes().startswith(",".join(COLUMNS).encode() + b"\r\n")
    rows = rows_in(out)
    assert list(dict.fromkeys(row["file"] for row in rows)) == [
        *("2.tif", "10, second.jpg"),
        *("class/film.flv", "class/ä.wav"),
    ]
    for row in (row for row in rows if row["label"] not in ("nobody", "unknown")):
        assert sum(float(row[emotion]) for emotion in EMOTIONS) == pytest.approx(1, abs=1e-3)
        assert float(row["face_weight"]) + float(row["speech_weight"]) == pytest.approx(1, abs=1e-3)
    first, second = (row for row in rows if not row["at_s"])
    assert (first["label"], second["label"]) == ("happy", "happy")
    assert first["speech_quality"] == ""
    times = [float(row["at_s"]) for row in rows if row["file"] == "class/film.flv"]
    assert len(times) > 10
    assert times == sorted(times)


def test_whole_answers_are_a_line_a_file(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers.jsonl"
    done = affectd_server("read", folder, "--json", out, "--mode", "face", "--fusion", "average", "--turn", "90")
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [one["file"] for one in told] == ["2.tif", "10, second.jpg", "class/film.flv"]
    for one in told:
        assert AnalysisResponse.model_validate(one["answer"]).fusion == "average"
    assert "ä.wav: there is no picture in this file" in done.stderr


@pytest.mark.parametrize("name", ["=1+1.jpg", "+1.jpg", "-1.jpg", "@SUM(1).jpg", "\t=1.jpg", "＝1.jpg"])
def test_no_name_is_a_formula_in_a_spreadsheet(name: str) -> None:
    assert text_cell(name) == "'" + name
    assert text_cell(f"a/{name}") == f"a/{name}"


def test_a_file_called_as_a_formula_is_text_in_the_table(tmp_path: Path) -> None:
    (tmp_path / "=HYPERLINK(A1).jpg").write_bytes(jpeg())
    done = affectd_server("read", tmp_path, "--crop", "--csv", tmp_path / "table.csv")
    assert done.returncode == 0, done.stderr
    (row,) = rows_in(tmp_path / "table.csv")
    assert row["file"] == "'=HYPERLINK(A1).jpg"
    assert all(float(row[emotion]) >= 0 for emotion in EMOTIONS)


def test_a_folder_without_anything_to_read_is_an_error_that_names_each(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    done = affectd_server("read", tmp_path)
    assert done.returncode == 1
    said = done.stderr.splitlines()
    assert said[0].startswith("empty.jpg: ")
    assert "0 bytes" in said[0]
    assert said[1].startswith(f"affectd-server: {tmp_path}: none of 1 file can be read")


@pytest.mark.parametrize("name", ["absent", "a file"])
def test_what_is_no_folder_is_told_of(tmp_path: Path, name: str) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(AffectdError, match="name a folder"):
        media_files(tmp_path / name)


def test_the_table_itself_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "table.csv").touch()
    with pytest.raises(AffectdError, match="no file in it"):
        media_files(tmp_path, leave_out=[tmp_path / "table.csv"])


def test_files_are_in_the_order_that_people_count(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/10.png", "a10/1.png", "a9/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    names = [str(path.relative_to(tmp_path)) for path in media_files(tmp_path)]
    assert names == ["a9/1.png", "a10/1.png", "b/2.png", "b/10.png"]


def test_results_come_in_the_order_of_the_files_whichever_is_ready_first(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(40)]
    for path in paths:
        path.write_bytes(jpeg())

    def refuse(request: AnalysisRequest) -> Any:
        raise RequestError("nothing-to-read", f"{request.mode} {request.faces}")

    results = list(read_files(paths, refuse, ReadOptions("both", "product", is_crop=True), threads=3))
    assert [result.path for result in results] == paths
    assert {result.problem for result in results} == {"face crop"}
