"""The server on a real Ray Serve, as one command starts it. It takes a minute: Ray is a dozen processes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from broker import free_port
from fakes import eventually
from processes import started
from server_process import HAPPY_CLIP, affectd_server, jpeg, serving, speech_wav, write_config
from websockets.sync.client import connect

from desktop_server.inference.onnx import OnnxNet, float_models_folder
from device.errors import ConfigError
from device.models.card import read_card

pytestmark = pytest.mark.slow

pytest.importorskip("ray", reason="Ray is not installed; install it with: pip install 'affectd[scale]'")

FOLDER = float_models_folder()
FACE = read_card(FOLDER / "affectd-1-face.json")
SHARED_MEMORY = Path("/dev/shm")


@dataclass(frozen=True)
class ScaledOut:
    url: str
    process: subprocess.Popen[bytes]

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def family(self) -> list[str]:
        """The command lines of all that descends from the command."""
        return [line for _, line in descendants(self.process.pid)]

    def fronts(self) -> int:
        return sum(line.startswith("ray::ServeReplica:affectd:front") for line in self.family())


def descendants(pid: int) -> list[tuple[int, str]]:
    table = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            table[int(path.name)] = (parent, (path / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it has just ended
            continue
    found, parents = [], {pid}
    while parents:
        parents = {child for child, (parent, _) in table.items() if parent in parents}
        found += [(child, table[child][1]) for child in parents]
    return found


def ray_folders() -> set[str]:
    return {path.name for path in SHARED_MEMORY.glob("affectd-ray-*")}


@pytest.fixture(scope="module")
def before() -> set[str]:
    return ray_folders()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, before: set[str]) -> Iterator[ScaledOut]:
    folder, port = tmp_path_factory.mktemp("ray"), free_port()
    config = write_config(
        folder,
        server={"port": port, "rate_hz": 10_000.0, "burst": 1000},
        batching={"size": 8, "workers": 1, "queue": 4},
        scale_out={"cpus": 6, "most_fronts": 2, "grow_after_s": 0.5},
    )
    log = folder / "server.log"
    command = [sys.executable, "-m", "desktop_server", "scale-out", "--config", str(config)]
    with log.open("wb") as file, started(command, patience_s=60, stdout=file, stderr=file) as process:
        eventually(lambda: "serving at port" in log.read_text() or process.poll() is not None, 240)
        assert process.poll() is None, log.read_text()
        assert ray_folders() > before
        yield ScaledOut(f"http://127.0.0.1:{port}", process)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving(tmp_path_factory.mktemp("plain")) as running, running.client() as client:
        yield client


@pytest.mark.parametrize(
    ("path", "files"),
    [
        ("/v1/face", {"picture": jpeg()}),
        ("/v1/speech", {"audio": speech_wav()}),
        ("/v1/fused", {"video": HAPPY_CLIP.read_bytes()}),
    ],
    ids=["face", "speech", "fused"],
)
def test_it_answers_as_the_server_in_one_process(
    server: ScaledOut, plain: httpx.Client, path: str, files: dict[str, bytes]
) -> None:
    with server.client() as client:
        said, expected = (asked.post(path, files=files).json() for asked in (client, plain))
    assert said["estimate"]["label"] == expected["estimate"]["label"]
    assert numbers(said["estimate"]) == pytest.approx(numbers(expected["estimate"]), abs=1e-3)
    assert len(said["timeline"]) == len(expected["timeline"])
    assert "CPUExecutionProvider by ray" in said["models"]["runtime"]


def numbers(estimate: dict[str, Any]) -> dict[str, float]:
    return {**estimate["probs"], **{key: estimate[key] for key in ("confidence", "valence", "arousal")}}


def question(faces: Any) -> dict[str, Any]:
    tensor = {"name": "input", "shape": list(faces.shape), "datatype": "FP32", "data": faces.ravel().tolist()}
    return {"inputs": [tensor]}


def require_answer(said: httpx.Response, faces: Any, net: OnnxNet) -> None:
    (output,) = said.json()["outputs"]
    np.testing.assert_allclose(np.reshape(output["data"], output["shape"]), net.batch(faces)[0], atol=1e-5)


def test_it_explains_with_more_copies_than_a_replica_takes_at_once(server: ScaledOut, plain: httpx.Client) -> None:
    asked = {"video": HAPPY_CLIP.read_bytes()}
    with server.client() as client:
        said = client.post("/v1/fused?explain=true", files=asked)
    assert said.status_code == 200, said.text
    found, expected = (one.json()["explanation"] for one in (said, plain.post("/v1/fused?explain=true", files=asked)))
    assert found["contributions"] == pytest.approx(expected["contributions"], abs=1e-3)
    np.testing.assert_allclose(found["face_map"], expected["face_map"], atol=0.05)


def test_a_second_server_on_the_port_fails(server: ScaledOut, tmp_path: Path) -> None:
    port = int(server.url.rpartition(":")[2])
    ended = affectd_server("scale-out", "--config", write_config(tmp_path, server={"port": port}))
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
    assert f"cannot listen on 127.0.0.1 port {port}" in ended.stderr
    with server.client() as client:
        assert client.get("/healthz").status_code == 200


def test_live_streams_go_through_it(server: ScaledOut) -> None:
    with connect(server.url.replace("http", "ws") + "/v1/stream") as stream:
        stream.send(json.dumps({"mode": "face"}))
        assert json.loads(stream.recv(30))


def test_bad_input_is_refused_in_the_applications_own_words(server: ScaledOut) -> None:
    with server.client() as client:
        said = client.post("/v1/face", files={"picture": b"no picture"})
    assert said.headers["content-type"] == "application/problem+json"
    assert 400 <= said.status_code < 500


def test_many_at_once_get_their_own_answers_or_a_refusal_and_more_replicas_are_started(server: ScaledOut) -> None:
    assert server.fronts() == 1
    net = OnnxNet(FACE, FOLDER)
    refusals: list[str | None] = []

    def ask(client: httpx.Client, number: int) -> int:
        faces = np.random.default_rng(number).random((1 + number % 3, 48, 48, 1), dtype=np.float32)
        answered = 0
        while server.fronts() < 2 and time.monotonic() < until_s:
            said = client.post(f"/v2/models/{FACE.id}/infer", json=question(faces))
            if said.status_code == 503:
                refusals.append(said.headers.get("retry-after"))
            else:
                require_answer(said, faces, net)
                answered += 1
        return answered

    until_s = time.monotonic() + 120
    with server.client() as client, ThreadPoolExecutor(12) as crowd:
        asked = [crowd.submit(ask, client, number) for number in range(12)]
        assert sum(each.result(60) for each in asked) > 12
    assert server.fronts() == 2
    assert refusals
    assert None not in refusals


def test_rays_own_files_are_in_memory(server: ScaledOut, before: set[str]) -> None:
    (folder,) = ray_folders() - before
    told = [line for line in server.family() if "--session" in line or "--log_dir" in line]
    assert told
    assert all(f"{SHARED_MEMORY}/{folder}/" in line for line in told)


def test_a_signal_ends_it_and_nothing_is_left(server: ScaledOut, before: set[str]) -> None:
    family = descendants(server.process.pid)
    assert len(family) > 6
    server.process.terminate()
    assert server.process.wait(60) == 0
    eventually(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid, _ in family), 30)
    assert ray_folders() == before


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"server": {"host": "0.0.0.0"}}, "there is no token"),
        ({"scale_out": {"most_fronts": 0}}, "scale_out.most_fronts = 0"),
    ],
)
def test_an_unsafe_configuration_is_refused(tmp_path: Path, tables: dict[str, Any], said: str) -> None:
    ended = affectd_server("scale-out", "--config", write_config(tmp_path, **tables))
    assert (ended.returncode, ended.stderr.count("\n")) == (78, 1), ended.stderr
    assert said in ended.stderr


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Ray's own code
@pytest.mark.parametrize(
    ("address", "said"),
    [("127.0.0.1:9", "nobody answers"), ("auto", "HOST:PORT"), ("host:x", "HOST:PORT"), ("a b:80", "nobody answers")],
)
def test_a_cluster_that_is_not_there_is_named(address: str, said: str) -> None:
    from desktop_server.scaling.ray_cluster import joined_ray

    with pytest.raises(ConfigError, match=said), joined_ray(address):
        pass


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Ray's own code
def test_each_front_gets_its_own_share_of_a_run() -> None:
    from desktop_server.scaling.ray_app import shares

    one, other = np.arange(6.0, dtype=np.float32).reshape(6, 1), np.arange(12.0, dtype=np.float32).reshape(6, 2)
    parts = shares((one, other), [1, 3, 2])
    assert [part[0].ravel().tolist() for part in parts] == [[0], [1, 2, 3], [4, 5]]
    assert [part[1].shape for part in parts] == [(1, 2), (3, 2), (2, 2)]
