# ruff: noqa: D103 - test names are sentences
"""The desktop server under real systemd, installed by the commands of docs/server.md: `make deb-boot` runs this."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import wheelhouse
from machine import PROJECT, Machine, booted, eventually
from sandbox import probe, probe_outside, tempt

GUIDE = (PROJECT / "docs" / "server.md").read_text(encoding="utf-8")
INSTALL, OPEN = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
(CONFIG,) = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}
UNIT = "affectd-server.service"
CLIP = "/srv/checkout/deploy/demo/crema_d/1001_DFA_HAP_XX.flv"
CONFIG_FILE = "etc/affectd/affectd-server.toml"


@pytest.fixture(scope="module")
def served(base: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The disk of a machine where the server was installed as it is written, but from a folder of wheels."""
    folder = tmp_path_factory.mktemp("served")
    luggage = folder / "luggage"
    bring(luggage, PYTHONS[base.name.split("-")[0]])
    with booted(f"{luggage}:{base}", folder / "machine") as machine:
        machine.run(f"set -e; cd /srv/checkout\n{INSTALL}")
    return f"{folder}/machine/upper:{luggage}:{base}"


def bring(luggage: Path, python: str) -> None:
    """What is here of the checkout, with the detector that it fetches, and the wheels."""
    wheels = PROJECT / "build" / "wheels" / python
    wheelhouse.fill(wheels, python)
    shutil.copytree(wheels, luggage / "srv" / "wheels")
    (luggage / "etc").mkdir()
    (luggage / "etc" / "pip.conf").write_text("[global]\nno-index = true\nfind-links = /srv/wheels\n")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True, timeout=120
    ).stdout
    for name in [*listed.splitlines(), "models_tflite/blazeface_short.tflite"]:
        target = luggage / "srv" / "checkout" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, target, follow_symlinks=False)


@pytest.fixture
def machine(served: str, tmp_path: Path) -> Iterator[Machine]:
    """A machine where the server runs."""
    with booted(served, tmp_path / "machine") as machine:
        eventually(lambda: machine.tells("ActiveState", UNIT) == "active")
        yield machine


def ask(machine: Machine, path: str, options: str = "", *, scheme: str = "http") -> str:
    return machine.run(f"curl --silent --fail-with-body --insecure {options} {scheme}://127.0.0.1:8384{path}")


def test_the_written_commands_make_a_server_that_answers(machine: Machine) -> None:
    assert machine.tells("StatusText", UNIT) == "serving at http://127.0.0.1:8384"
    assert json.loads(ask(machine, "/healthz"))["status"] == "ok"
    answer = json.loads(ask(machine, "/v1/fused?compare=true", f"--form video=@{CLIP}"))
    assert "happy" in json.dumps(answer)
    assert machine.run(f"systemctl is-enabled {UNIT}") == "enabled"
    begin_us, ready_us = (int(machine.tells(f"{n}TimestampMonotonic", UNIT)) for n in ("InactiveExit", "ActiveEnter"))
    print(f"\nthe server's start to READY: {(ready_us - begin_us) / 1e6:.2f} s")


def test_the_sandbox_is_tight(machine: Machine) -> None:
    said = machine.run(f"systemd-analyze security --threshold=20 {UNIT}")
    print("\n" + said.splitlines()[-1])


def test_the_server_can_do_what_it_must_and_nothing_else(machine: Machine) -> None:
    tempt(machine)
    outside = probe_outside(machine, user="nobody", folder="/srv/open")
    assert set(outside.values()) == {"done"}, "denied even outside: the probe proves nothing"
    assert probe(machine, f"etc/systemd/system/{UNIT}") == {
        "write its state": "done",
        "write elsewhere": "EROFS",
        "read a home": "EACCES",
        "open another device": "ENOENT",
        "see another's process": "ENOENT",
        "make a namespace": "EPERM",
        "set the user id of a file": "EPERM",
        "connect to the broker": "done",
        "connect elsewhere": "done",
    }


def test_with_a_token_and_a_certificate_it_serves_others(machine: Machine) -> None:
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=server -days 2"
    machine.run(f"cd /srv && {make} -keyout server.key -out server.crt")
    said = machine.run(f"cd /srv\n{OPEN}")
    token = re.findall(r"affectd_\S+", said)[0]
    machine.put(CONFIG_FILE, CONFIG)
    machine.run(f"systemctl restart {UNIT}")
    assert "0.0.0.0:8384" in machine.run("ss --listening --tcp --numeric")
    assert (
        machine.run(
            "curl --silent --insecure --output /dev/null --write-out '%{http_code}' https://127.0.0.1:8384/metrics"
        )
        == "401"
    )
    assert "affectd_build_info" in ask(machine, "/metrics", f"--header 'Authorization: Bearer {token}'", scheme="https")
    assert machine.run("stat --format=%a /var/lib/affectd-server/ /var/lib/affectd-server/tokens.json") == "700\n600"


def test_a_server_that_hangs_is_killed_and_started_again(machine: Machine) -> None:
    machine.put(f"etc/systemd/system/{UNIT}.d/test.conf", "[Service]\nWatchdogSec=4\nTimeoutAbortSec=2\n")
    machine.run(f"systemctl daemon-reload; systemctl restart {UNIT}")
    machine.run(f"kill -STOP $(systemctl show -p MainPID --value {UNIT})")
    # On a busy machine its next start may take longer than this watchdog waits, too.
    eventually(lambda: int(machine.tells("NRestarts", UNIT)) >= 1 and machine.tells("ActiveState", UNIT) == "active")
    assert "Watchdog timeout" in machine.journal(UNIT)


def test_it_stops_in_order(machine: Machine) -> None:
    machine.run(f"systemctl stop {UNIT}")
    assert machine.tells("Result", UNIT) == "success"
    assert "Traceback" not in machine.journal(UNIT)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("[server]\nprot = 1\n", "did you mean 'port'"),
        ("[server]\nhost = '0.0.0.0'\n", "there is no token"),
        (CONFIG.replace("0.0.0.0", "127.0.0.1"), "tls-cert"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_not_tried_again(machine: Machine, config: str, said: str) -> None:
    machine.put(CONFIG_FILE, config)
    machine.run(f"systemctl restart {UNIT}", check=False)
    eventually(lambda: machine.tells("ActiveState", UNIT) == "failed")
    assert (machine.tells("ExecMainStatus", UNIT), machine.tells("NRestarts", UNIT)) == ("78", "0")
    assert said in machine.journal(UNIT)
