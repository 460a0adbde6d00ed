"""Strangers' worst files at once: each is refused in words, the server stays small, and goes on answering others."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from appliance import HAPPY_CLIP
from fakes import eventually
from hostile import (
    film_of_many_samples,
    picture_of_many_scans,
    picture_with_a_false_length,
    wave_that_ends_within_its_head,
)
from server_process import Running, jpeg, serving

from desktop_server.bench.server import family, proportional_bytes
from desktop_server.schema.problems import PROBLEM_TYPES

pytestmark = pytest.mark.slow

MAX_MIB = 600
ADDRESSES = {"/v1/face": "picture", "/v1/speech": "audio", "/v1/fused": "video"}
HEAVY = picture_of_many_scans(80, 4900)
"""Some seconds of the processor, in 70 kB."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("hostile"), limits={"decode_s": 2.0}, fleet={"listen": False}) as it:
        yield it


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    folder = tmp_path_factory.mktemp("files")
    return {
        "scans.jpg": picture_of_many_scans(2_000, 3_000),
        "fewer scans.jpg": HEAVY,
        "length.png": picture_with_a_false_length(),
        "samples.mp4": film_of_many_samples(folder),
        "head.wav": wave_that_ends_within_its_head(),
    }


def mib(pid: int) -> float:
    """Memory of a process and its descendants, shared pages counted in parts."""
    return sum(map(proportional_bytes, family(pid))) / 2**20


class Peak:
    """The most memory that a server ever takes, while this lasts."""

    def __init__(self, pid: int) -> None:
        self._pid, self.mib = pid, 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._end.wait(0.1):
            self.mib = max(self.mib, mib(self._pid))

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._end.set()
        self._thread.join(10)


def sent(server: Running, path: str, data: bytes) -> httpx.Response:
    with server.client() as client:
        return client.post(path, files={ADDRESSES[path]: data})


def require_documented(answer: httpx.Response) -> None:
    """A 4xx that the server's own list of problems has; a damaged file may also be read as far as it goes."""
    if answer.status_code != 200:
        code = answer.json()["code"]
        assert (400 <= answer.status_code < 500, PROBLEM_TYPES[code].status) == (True, answer.status_code), answer.text


def all_at_once(server: Running, files: Mapping[str, bytes]) -> None:
    with ThreadPoolExecutor(32) as pool, Peak(server.pid) as peak, server.client() as client:
        answers = [pool.submit(sent, server, path, data) for data in files.values() for path in ADDRESSES]
        while not all(answer.done() for answer in answers):
            assert client.post("/v1/face", content=jpeg()).status_code == 200
            assert client.get("/healthz").status_code == 200
    for answer in answers:
        require_documented(answer.result(10))
    assert 0 < peak.mib < MAX_MIB


def test_all_hostile_files_at_once_are_refused_while_others_are_answered(
    server: Running, files: Mapping[str, bytes]
) -> None:
    all_at_once(server, files)


def test_known_hostile_files_are_refused_within_memory(server: Running, shared_cases: Path) -> None:
    all_at_once(server, {path.name: path.read_bytes() for path in (shared_cases / "hostile").iterdir()})


def metric(client: httpx.Client, line: str) -> float:
    found = [row.rpartition(" ")[2] for row in client.get("/metrics").text.splitlines() if row.startswith(line)]
    return float(found[0]) if found else 0.0


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One place for short work and one for long, where nothing is given up for the time that it takes."""
    folder, limits = tmp_path_factory.mktemp("patient"), {"decode_s": 300.0, "work_s": 300.0}
    with serving(folder, limits=limits, batching={"workers": 1}, fleet={"listen": False}) as it:
        yield it


def test_a_lost_connection_ends_the_work(patient: Running) -> None:
    with patient.client() as client:
        for _ in range(6):
            with suppress(httpx.ReadTimeout):
                client.post("/v1/face", content=HEAVY, timeout=0.3)
        eventually(lambda: metric(client, "affectd_requests_inside") == 0, 60)
        assert metric(client, 'affectd_refused_total{reason="client-gone"}') == 6
        assert metric(client, "affectd_estimates_total") == 0
        assert client.post("/v1/face", content=jpeg()).status_code == 200


def test_pictures_do_not_wait_behind_films(patient: Running) -> None:
    film = HAPPY_CLIP.read_bytes() + bytes(2**18)
    with ThreadPoolExecutor(2) as pool, patient.client() as client:
        films = [pool.submit(sent, patient, "/v1/fused", film) for _ in range(2)]
        eventually(lambda: metric(client, "affectd_requests_inside") == 2, 60)
        assert client.post("/v1/face", content=jpeg()).status_code == 200
        assert not all(film.done() for film in films)
    assert {film.result(10).status_code for film in films} == {200}


def test_sigterm_ends_the_server_during_work(tmp_path: Path) -> None:
    slow = {"decode_s": 300.0, "work_s": 300.0}
    with ThreadPoolExecutor(8) as pool, serving(tmp_path, limits=slow, fleet={"listen": False}) as server:
        answers = [pool.submit(sent, server, "/v1/face", HEAVY) for _ in range(8)]
        with server.client() as client:
            eventually(lambda: metric(client, "affectd_requests_inside") == 8, 60)
        children = family(server.pid)
    told = {(answer.result(10).status_code, answer.result(10).json()["code"]) for answer in answers}
    assert (503, "busy") in told
    eventually(lambda: not any(Path(f"/proc/{child}").exists() for child in children), 10)
    assert "Traceback" not in server.log.read_text()
