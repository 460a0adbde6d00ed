"""Many files in one request, against a real server on loopback: each has its own answer or its own problem."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Thread

import httpx
import pytest
from fakes import eventually
from hostile import picture_of_many_scans
from perception import astronaut
from server_process import HAPPY_CLIP, Running, jpeg, serving, speech_wav

from desktop_server.http.batch import MOST_FILES
from desktop_server.schema.analysis import AnalysisResponse
from desktop_server.schema.batch import BatchResponse

pytestmark = pytest.mark.slow

TABLE = {"Accept": "text/csv"}
FILES: Sequence[tuple[str, bytes]] = (
    ("face.jpg", jpeg()),
    ("voice", speech_wav()),
    ("torn.png", b"\x89PNG\r\n\x1a\n"),
    ("ä/film.flv", HAPPY_CLIP.read_bytes()),
    ("notes.txt", b"no picture and no sound"),
    ("=1+1.jpg", jpeg()),
    ("empty.jpg", b""),
)
SINGLE = {"face.jpg": "face", "voice": "speech", "ä/film.flv": "fused", "=1+1.jpg": "face"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder, often = tmp_path_factory.mktemp("batch"), {"rate_hz": 1e6, "burst": 4096}
    with serving(folder, server=often, limits={"body_mib": 4.0}, fleet={"listen": False}) as it:
        yield it


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[httpx.Client]:
    with server.client() as it:
        yield it


def form(files: Sequence[tuple[str, bytes]], field: str = "file") -> list[tuple[str, tuple[str, bytes]]]:
    return [(field, file) for file in files]


def answers(response: httpx.Response) -> BatchResponse:
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    return BatchResponse.model_validate_json(response.content)


def findings(answer: AnalysisResponse) -> Mapping[str, object]:
    """Without what depends on the mode that was asked for, which is `both` for a voice in a batch."""
    return answer.model_dump(exclude={"timings_ms", "mode", "models"})


def test_each_file_has_the_answer_or_the_problem_that_it_has_alone(client: httpx.Client) -> None:
    told = answers(client.post("/v1/batch", files=form(FILES))).files
    assert [one.file for one in told] == [name for name, _ in FILES]
    problems = {one.file: one.problem.code for one in told if one.problem is not None}
    assert problems == {
        "torn.png": "unsupported-media",
        "notes.txt": "unsupported-media",
        "empty.jpg": "empty-media",
    }
    data = dict(FILES)
    for one in told:
        if one.file not in SINGLE:
            assert one.answer is None
            continue
        path = SINGLE[one.file]
        field = {"face": "picture", "speech": "audio", "fused": "video"}[path]
        params = {"faces": "largest"} if path == "face" else {}
        alone = client.post(f"/v1/{path}", files={field: data[one.file]}, params=params)
        assert one.answer is not None
        assert findings(one.answer) == findings(AnalysisResponse.model_validate_json(alone.content))


def test_the_table_is_that_of_each_file_with_its_name(client: httpx.Client) -> None:
    response = client.post("/v1/batch", files=form(FILES), headers=TABLE)
    assert (response.headers["content-type"], response.headers["vary"]) == ("text/csv; charset=utf-8", "Accept")
    header, *rows = csv.reader(io.StringIO(response.text, newline=""), strict=True)
    names = list(dict.fromkeys(row[0] for row in rows))
    assert names == ["face.jpg", "voice", "torn.png", "ä/film.flv", "notes.txt", "'=1+1.jpg", "empty.jpg"]
    assert [row for row in rows if row[0] == "torn.png"] == [["torn.png", *[""] * (len(header) - 1)]]
    film = client.post("/v1/fused", files={"video": HAPPY_CLIP.read_bytes()}, headers=TABLE).text
    expected_header, *expected = csv.reader(io.StringIO(film, newline=""))
    assert header == expected_header
    assert [row[1:] for row in rows if row[0] == "ä/film.flv"] == [row[1:] for row in expected]


def test_parameters_count_for_every_file(client: httpx.Client) -> None:
    params = {"mode": "speech", "fusion": "average"}
    picture, voice = answers(client.post("/v1/batch", files=form(FILES[:2]), params=params)).files
    assert picture.problem is not None
    assert (picture.problem.code, picture.problem.status) == ("nothing-to-read", 422)
    assert voice.answer is not None
    assert (voice.answer.mode, voice.answer.fusion) == ("speech", "average")
    (crop,) = answers(client.post("/v1/batch", files=form(FILES[:1]), params={"crop": True})).files
    assert crop.answer is not None
    assert crop.answer.faces[0].score == 1.0


@pytest.mark.parametrize(
    ("options", "refusal", "words"),
    [
        ({"content": jpeg()}, (400, "malformed-request"), "'file' for each"),
        ({"files": form(FILES[:1], "picture")}, (400, "unknown-field"), "known are file"),
        ({"files": form([("a.jpg", b"x")] * (MOST_FILES + 1))}, (400, "malformed-request"), f"{MOST_FILES}"),
        ({"files": form([("a.jpg", bytes(5 * 2**20))])}, (413, "too-large"), "4 MiB"),
        ({"files": form(FILES[:1]), "params": {"fusion": "best"}}, (422, "invalid-parameter"), "fusion"),
        ({"files": form(FILES[:1]), "params": {"explain": True}}, (400, "unknown-parameter"), "explain"),
        (
            {"content": b"--b--\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
            (400, "missing-media"),
            "no file",
        ),
    ],
)
def test_what_is_no_batch_is_refused_as_a_whole(
    client: httpx.Client, options: Mapping[str, object], refusal: tuple[int, str], words: str
) -> None:
    response = client.post("/v1/batch", **options)  # type: ignore[arg-type]
    assert (response.status_code, response.json()["code"]) == refusal
    assert words in response.json()["detail"]


def test_many_small_files_are_read_at_once(client: httpx.Client) -> None:
    crop = jpeg(astronaut()[20:220:4, 80:280:4])
    files = [(f"{number}.jpg", crop) for number in range(MOST_FILES)]
    told = answers(client.post("/v1/batch", files=form(files), params={"crop": True})).files
    assert [one.file for one in told] == [name for name, _ in files]
    assert len({one.answer.estimate.confidence for one in told if one.answer is not None}) == 1


def test_files_that_there_was_no_time_for_are_told_so(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"work_s": 1e-3}, fleet={"listen": False}) as server, server.client() as client:
        told = answers(client.post("/v1/batch", files=form([FILES[3], FILES[0]]))).files
    assert [one.problem.code for one in told if one.problem is not None] == ["too-much-work"] * 2


def test_whoever_goes_takes_the_rest_of_the_batch_along(server: Running, client: httpx.Client) -> None:
    slow = [(f"{number}.jpg", picture_of_many_scans(80, 4900)) for number in range(20)]

    def leave() -> None:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{server.url}/v1/batch", files=form(slow), timeout=httpx.Timeout(60, read=1.0), trust_env=False)

    leaving = Thread(target=leave)
    leaving.start()
    eventually(lambda: inside(client) == 1, 10)
    leaving.join(30)
    eventually(lambda: inside(client) == 0, 10)


def inside(client: httpx.Client) -> float:
    lines = client.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("affectd_requests_inside "))
