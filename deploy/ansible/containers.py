"""A broker and nodes in booted containers on a wire of their own, and Ansible that reaches them by SSH."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from machine import Machine, booted

HERE = Path(__file__).resolve().parent
ARCH = subprocess.run(
    ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True, timeout=120
).stdout.strip()
BRIDGE, NETWORK = "affectd-fleet", "10.83.0"
ADDRESSES = {"broker.lan": f"{NETWORK}.10", "kitchen": f"{NETWORK}.21", "hall": f"{NETWORK}.22"}
NODES = ("kitchen", "hall")
SETTINGS = {"node": {"purpose": "home"}, "replay": {"media": ["/srv/sample.flv"], "loop": True}}


@dataclass(frozen=True, slots=True)
class Done:
    """What Ansible said, and how it ended."""

    code: int
    said: str

    def count(self, what: str, name: str) -> int:
        """Of the recap: how many tasks were ``ok``, ``changed``, ``failed`` … at a machine."""
        found = re.search(rf"(?m)^{re.escape(name)} .*\b{what}=(\d+)", self.said)
        assert found, f"{name} is not in the recap"
        return int(found[1])

    def changed(self) -> dict[str, int]:
        """The tasks that changed something, of each machine that was reached."""
        return {name: int(count) for name, count in re.findall(r"(?m)^([\w.-]+) +: ok=.*?changed=(\d+)", self.said)}


@dataclass(frozen=True, slots=True)
class Fleet:
    """The machines that run, by their names, and what Ansible needs to reach them."""

    machines: dict[str, Machine]
    folder: Path
    package: Path

    def order(self, *options: str, nodes: tuple[str, ...] = NODES, broker: bool = True, **settings: Any) -> Done:
        """Run the playbook as a user does, with the group's variables."""
        usual = {
            "affectd_packages": str(self.package.parent),
            "affectd_version": version_of(self.package),
            "affectd_settings": SETTINGS,
            "affectd_tolerated": ["clock"],  # a container has no clock of its own to set
        }
        hosts = {name: {"ansible_host": ADDRESSES.get(name, ADDRESSES["hall"])} for name in (*nodes, "broker.lan")}
        ours = {"broker.lan": hosts.pop("broker.lan")}
        ordered = {key: value for key, value in {**usual, **settings}.items() if value is not None}
        inventory = {
            **({"broker": {"hosts": ours}} if broker else {}),
            "nodes": {"hosts": hosts, "vars": ordered},
            "all": {"vars": {"ansible_user": "pi", "ansible_become": True}},
        }
        (self.folder / "inventory.yml").write_text(json.dumps(inventory))
        return self._play("--inventory", str(self.folder / "inventory.yml"), *options)

    def _play(self, *options: str) -> Done:
        ssh = "-o ControlMaster=auto -o ControlPersist=60s -o IdentitiesOnly=yes"
        ssh += f" -o UserKnownHostsFile={self.folder}/known_hosts -i {self.folder}/key"
        ours = {"ANSIBLE_SSH_ARGS": ssh, "ANSIBLE_SSH_CONTROL_PATH_DIR": f"{self.folder}/ssh", "ANSIBLE_NOCOLOR": "1"}
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "fleet.yml", *options]
        done = subprocess.run(
            command, cwd=HERE, env={**os.environ, **ours, "LANG": "C.UTF-8"}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            timeout=3600,
        )  # fmt: skip
        print(done.stdout)
        return Done(done.returncode, done.stdout)

    def heard(self, topic: str) -> Any:
        """What is retained at the broker, as the house hears it."""
        house = "/etc/mosquitto/affectd/hand_out/house"
        login = f"-h localhost -p 8883 --cafile {house}/ca.crt -u house -P $(cat {house}/mqtt-password)"
        said = self.machines["broker.lan"].run(f"mosquitto_sub {login} -C 1 -W 30 -t affectd/{topic}")
        return json.loads(said)

    def versions(self) -> list[str]:
        """Which version each node has."""
        return [self.machines[name].version() for name in NODES]


def version_of(package: Path) -> str:
    """As its name says."""
    return package.name.split("_")[1]


@dataclass(frozen=True, slots=True)
class Installed:
    """The disks after the first run of the playbook, and what it said and did."""

    disks: dict[str, str]
    checked: Done
    done: Done
    infos: dict[str, Any]
    passwords: dict[str, str]


@contextmanager
def running(disks: dict[str, str], folder: Path, key: Path, package: Path) -> Iterator[Fleet]:
    """All machines, each on its disk, with their addresses."""
    for name in ("key", "known_hosts"):
        shutil.copy(key / name, folder / name)
    with ExitStack() as stack:
        machines = {}
        for name, disk in disks.items():
            options = (f"--network-bridge={BRIDGE}", f"--machine={name.partition('.')[0]}")
            machines[name] = stack.enter_context(booted(disk, folder / name, *options))
            machines[name].run(f"ip address add {ADDRESSES[name]}/24 dev host0; ip link set host0 up")
        yield Fleet(machines, folder, package)
