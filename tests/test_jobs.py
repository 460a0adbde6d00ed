"""Jobs over HTTP: work that outlives its request, against a real server on loopback."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fakes import eventually
from perception import spoken
from server_process import HAPPY_CLIP, Running, affectd_server, jpeg, serving, wav, write_config

from desktop_server.schema.analysis import AnalysisResponse
from desktop_server.schema.jobs import JobResponse
from device.readings import RULE_NAMES

pytestmark = pytest.mark.slow

OFTEN = {"rate_hz": 1e6, "burst": 4096}
FILM = {"video": HAPPY_CLIP.read_bytes()}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("jobs"), server=OFTEN, fleet={"listen": False}) as it:
        yield it


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[httpx.Client]:
    with server.client() as it:
        yield it


@pytest.fixture(scope="module")
def long_sound() -> bytes:
    """Ten minutes of something like a voice, which are read for many seconds."""
    return wav(np.tile(spoken(10.0), 60))


def start(client: httpx.Client, path: str = "fused", **options: Any) -> JobResponse:
    response = client.post(f"/v1/jobs/{path}", **options)
    assert response.status_code == 202, response.text
    job = JobResponse.model_validate_json(response.content)
    assert response.headers["location"] == f"/v1/jobs/{job.id}"
    return job


def progress(client: httpx.Client, job: JobResponse) -> JobResponse:
    response = client.get(f"/v1/jobs/{job.id}")
    assert response.status_code == 200, response.text
    return JobResponse.model_validate_json(response.content)


def finished(client: httpx.Client, job: JobResponse) -> JobResponse:
    eventually(lambda: progress(client, job).state in ("done", "failed"), 120)
    return progress(client, job)


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def without_times(response: httpx.Response) -> dict[str, Any]:
    return AnalysisResponse.model_validate_json(response.content).model_dump(exclude={"timings_ms"})


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("face", {"content": jpeg()}),
        ("speech", {"content": wav(spoken(2.0)), "params": {"fusion": "average"}}),
        ("fused", {"files": FILM, "params": {"compare": True, "every_rule": True}}),
    ],
)
def test_the_result_is_what_the_plain_call_answers(client: httpx.Client, path: str, options: Any) -> None:
    job = start(client, path, **options)
    told = finished(client, job)
    assert (told.state, told.share, told.remaining_s) == ("done", 1.0, 0.0)
    assert 0 < (told.expires_in_s or 0) <= 300
    plain = client.post(f"/v1/{path}", **options)
    assert without_times(client.get(told.result)) == without_times(plain)
    table = {"Accept": "text/csv"}
    assert client.get(told.result, headers=table).text == client.post(f"/v1/{path}", headers=table, **options).text
    assert client.delete(f"/v1/jobs/{job.id}").status_code == 204
    assert code(client.get(f"/v1/jobs/{job.id}")) == (404, "unknown-job")


def test_progress_goes_up_and_tells_the_remaining_time(client: httpx.Client, long_sound: bytes) -> None:
    job = start(client, "speech", content=long_sound)
    unfinished = client.get(job.result)
    assert code(unfinished) == (409, "job-unfinished")
    assert int(unfinished.headers["retry-after"]) >= 1
    seen: list[JobResponse] = []

    def is_done() -> bool:
        seen.append(progress(client, job))
        return seen[-1].state == "done"

    eventually(is_done, 120)
    shares = [one.share for one in seen]
    assert shares == sorted(shares)
    assert len(set(shares)) > 5
    midway = [one for one in seen if 0 < one.share < 1]
    assert {one.length_s for one in midway} == {600.0}
    assert all(one.remaining_s is not None for one in midway)
    assert max(one.remaining_s or 0 for one in midway) > 0
    client.delete(f"/v1/jobs/{job.id}")


def test_a_job_that_fails_tells_the_problem_of_the_plain_call(client: httpx.Client) -> None:
    job = start(client, "speech", content=b"RIFF\x10\x00\x00\x00WAVEnothing that can be read")
    told = finished(client, job)
    plain = client.post("/v1/speech", content=b"RIFF\x10\x00\x00\x00WAVEnothing that can be read")
    assert told.state == "failed"
    assert told.problem is not None
    assert told.problem.model_dump() == plain.json() == client.get(told.result).json()
    client.delete(f"/v1/jobs/{job.id}")


def test_what_is_no_request_starts_no_job(client: httpx.Client) -> None:
    assert code(client.post("/v1/jobs/fused", files={"picture": jpeg()})) == (400, "missing-media")
    assert code(client.post("/v1/jobs/fused?rule=average", files=FILM)) == (400, "unknown-parameter")
    assert metric(client, "affectd_jobs") == 0


def test_a_deleted_job_ends_its_work_within_a_second(client: httpx.Client, long_sound: bytes) -> None:
    job = start(client, "speech", content=long_sound, params={"compare": True})
    eventually(lambda: progress(client, job).share > 0, 60)
    assert metric(client, "affectd_requests_inside") == 1
    assert client.delete(f"/v1/jobs/{job.id}").status_code == 204
    deleted_s = time.monotonic()
    eventually(lambda: metric(client, "affectd_requests_inside") == 0)
    assert time.monotonic() - deleted_s < 1.0
    assert code(client.get(job.result)) == (404, "unknown-job")


def metric(client: httpx.Client, name: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def test_of_500_started_at_once_those_beyond_the_bound_are_told_when_to_come_back(tmp_path: Path) -> None:
    sound = wav(np.tile(spoken(10.0), 6))
    with serving(tmp_path, server=OFTEN, limits={"jobs": 6}, fleet={"listen": False}) as server:
        with server.client() as client, ThreadPoolExecutor(50) as pool:
            responses = list(pool.map(lambda _: client.post("/v1/jobs/speech", content=sound), range(500)))
            told = Counter(response.status_code for response in responses)
            assert set(told) <= {202, 429, 503}
            assert 3 <= told[202] < 100
            refused = [response for response in responses if response.status_code != 202]
            assert all(int(response.headers["retry-after"]) >= 1 for response in refused)
            assert metric(client, "affectd_jobs") <= 3  # one client has half of them
            assert client.post("/v1/face", content=jpeg()).status_code == 200
        assert "Traceback" not in server.log.read_text()


def test_kept_answers_are_bounded_in_bytes_and_in_time(tmp_path: Path) -> None:
    limits = {"answers_mib": 1e-4, "job_kept_s": 2.0}
    with serving(tmp_path, limits=limits, server=OFTEN, fleet={"listen": False}) as server, server.client() as client:
        job = start(client, "face", content=jpeg())
        assert finished(client, job).state == "done"
        refused = client.post("/v1/jobs/face", content=jpeg())
        assert code(refused) == (503, "busy")
        assert int(refused.headers["retry-after"]) >= 1
        eventually(lambda: client.get(f"/v1/jobs/{job.id}").status_code == 404, 10)
        start(client, "face", content=jpeg())


def test_another_token_finds_no_job(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    names = ("anna", "bert")
    tokens = [affectd_server("token", "create", name, "--config", config).stdout.split()[-1] for name in names]
    with serving(tmp_path, fleet={"listen": False}) as server:
        anna, bert = (server.client(headers={"Authorization": f"Bearer {token}"}) for token in tokens)
        with anna, bert:
            job = start(anna, "face", content=jpeg())
            for response in (
                bert.get(f"/v1/jobs/{job.id}"),
                bert.get(job.result),
                bert.delete(f"/v1/jobs/{job.id}"),
                bert.get("/v1/jobs/0000000000000000000000"),
            ):
                assert code(response) == (404, "unknown-job")
            assert finished(anna, job).state == "done"


def test_a_server_that_was_restarted_knows_no_job_and_ends_at_once(tmp_path: Path, long_sound: bytes) -> None:
    with serving(tmp_path, server=OFTEN, fleet={"listen": False}) as server, server.client() as client:
        job = start(client, "speech", content=long_sound)
        eventually(lambda: progress(client, job).share > 0, 60)
    with serving(tmp_path, server=OFTEN, fleet={"listen": False}) as server, server.client() as client:
        assert code(client.get(f"/v1/jobs/{job.id}")) == (404, "unknown-job")


def test_a_server_may_have_no_jobs(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"jobs": 0}, fleet={"listen": False}) as server, server.client() as client:
        assert code(client.post("/v1/jobs/face", content=jpeg())) == (404, "no-jobs")
        assert client.get("/v1/server").json()["limits"]["jobs"] == 0


def test_every_rule_tells_on_the_way_what_it_answers_when_it_is_asked(client: httpx.Client) -> None:
    told = AnalysisResponse.model_validate_json(client.post("/v1/fused?every_rule=true", files=FILM).content).rules
    assert set(told) == set(RULE_NAMES)
    for rule, result in told.items():
        asked = AnalysisResponse.model_validate_json(client.post(f"/v1/fused?fusion={rule}", files=FILM).content)
        assert asked.rules[rule].timeline is None
        timeline, moments = result.timeline, asked.timeline
        assert timeline is not None
        assert timeline.at_s == [moment.at_s for moment in moments]
        assert timeline.label == [moment.label for moment in moments]
        assert timeline.confidence == [moment.confidence for moment in moments]
        assert timeline.valence == [moment.valence for moment in moments]
        assert timeline.arousal == [moment.arousal for moment in moments]
        assert timeline.face_weight == [moment.modalities.face.weight for moment in moments]
        assert timeline.speech_weight == [moment.modalities.speech.weight for moment in moments]
        for mine, theirs in ((timeline.probs, "probs"), (timeline.unsmoothed, "unsmoothed")):
            wanted = [getattr(moment, theirs) for moment in moments]
            assert mine == [None if one is None else [value for _, value in one] for one in wanted]
