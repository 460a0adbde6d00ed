# ruff: noqa: D103 - test names are sentences
"""The playbook on a broker and two nodes, booted in containers and reached by SSH: `make fleet` runs this."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import variants
from machine import PACKAGES, PROJECT, SAMPLE, Machine, booted

HERE = Path(__file__).resolve().parent
ARCH = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout.strip()
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
    return package.name.split("_")[1]


def newer(fleet: Fleet, tmp_path: Path, change: Callable[[Path], None]) -> Path:
    """A folder with the version 9.0 of the package, which says so itself."""

    def renamed(tree: Path) -> None:
        (metadata,) = tree.glob("opt/affectd/lib/common/affectd-*.dist-info/METADATA")
        metadata.write_text(re.sub(r"(?m)^Version: .*$", "Version: 9.0", metadata.read_text()))
        change(tree)

    made = variants.variant(fleet.package, "9.0", tmp_path, renamed)
    return made.rename(tmp_path / f"affectd_9.0_{ARCH}.deb")


@pytest.fixture(scope="module")
def base() -> Path:
    """The root of a release, with what affectd needs and what Raspberry Pi OS has besides, and without affectd."""
    root = PROJECT / "build" / "roots" / f"bookworm-{ARCH}-fleet"
    more = "minisign,openssh-server,openssl,python3-apt,sudo"
    subprocess.run([PROJECT / "deploy/debian/root.sh", root, ARCH, "bookworm", f"{PACKAGES},{more}"], check=True)
    return root


@pytest.fixture(scope="module")
def package() -> Path:
    found = sorted((PROJECT / "dist").glob(f"affectd_*_{ARCH}.deb"), key=lambda path: path.stat().st_mtime)
    assert found, "no package in dist/; run: make deb"
    return found[-1]


@pytest.fixture(scope="module", autouse=True)
def network() -> Iterator[None]:
    """A wire between the machines and this one."""
    for command in (f"add {BRIDGE} type bridge", f"set {BRIDGE} up"):
        subprocess.run(["ip", "link", *command.split()], check=True)
    subprocess.run(["ip", "address", "add", f"{NETWORK}.1/24", "dev", BRIDGE], check=True)
    yield
    subprocess.run(["ip", "link", "delete", BRIDGE], check=True)


@pytest.fixture(scope="module")
def key(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the key that lets in, and of whom to expect."""
    folder = tmp_path_factory.mktemp("key")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    kind, public, *_ = (base / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()
    (folder / "known_hosts").write_text("".join(f"{address} {kind} {public}\n" for address in ADDRESSES.values()))
    return folder


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


def let_in(machine: Machine, key: Path) -> None:
    """As Raspberry Pi Imager leaves a card: a user with a key, who may become root; and apt was asked today."""
    machine.run("useradd --create-home --shell /bin/bash pi && mkdir -m 700 ~pi/.ssh")
    machine.put("home/pi/.ssh/authorized_keys", (key / "key.pub").read_text())
    machine.put("etc/sudoers.d/pi", "pi ALL=(ALL) NOPASSWD: ALL\n")
    machine.put(
        "etc/hosts", "".join(f"{address} {name}\n" for name, address in {**ADDRESSES, "localhost": "127.0.0.1"}.items())
    )
    machine.put("srv/sample.flv", SAMPLE.read_bytes())
    machine.run("chown -R pi ~pi/.ssh && touch /var/lib/apt/lists")


@dataclass(frozen=True, slots=True)
class Installed:
    """The disks after the first run of the playbook, and what it said and did."""

    disks: dict[str, str]
    checked: Done
    done: Done
    infos: dict[str, Any]
    passwords: dict[str, str]


@pytest.fixture(scope="module")
def installed(base: Path, key: Path, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    with running(dict.fromkeys(ADDRESSES, str(base)), folder, key, package) as fleet:
        for machine in fleet.machines.values():
            let_in(machine, key)
        checked = fleet.order("--check", "--diff")
        done = fleet.order("--diff", "-vvv")
        assert done.code == 0
        infos = {name: (fleet.heard(f"{name}/status"), fleet.heard(f"{name}/info")) for name in NODES}
        secret = "cat /etc/credstore/affectd.mqtt-password"
        passwords = {name: fleet.machines[name].run(secret) for name in NODES}
    return Installed({name: f"{folder}/{name}/upper:{base}" for name in ADDRESSES}, checked, done, infos, passwords)


@pytest.fixture(scope="module")
def standing(
    installed: Installed, key: Path, package: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """A fleet for tests that leave it as it is."""
    with running(installed.disks, tmp_path_factory.mktemp("standing"), key, package) as fleet:
        yield fleet


@pytest.fixture
def fleet(installed: Installed, key: Path, package: Path, tmp_path: Path) -> Iterator[Fleet]:
    """A fleet of one's own."""
    with running(installed.disks, tmp_path, key, package) as fleet:
        yield fleet


def test_one_command_makes_a_broker_and_nodes_that_speak_in_their_own_names(
    installed: Installed, package: Path
) -> None:
    for name, (status, info) in installed.infos.items():
        assert status["state"] == "online"
        assert (info["node"], info["version"]) == (name, version_of(package))
    assert len(set(installed.passwords.values())) == 2


def test_no_password_is_in_what_ansible_tells(installed: Installed) -> None:
    assert all(len(password) > 20 for password in installed.passwords.values())
    assert not any(password in installed.done.said for password in installed.passwords.values())


def test_check_mode_tells_what_would_be_done_to_bare_machines(installed: Installed) -> None:
    assert installed.checked.code == 0
    assert "affectd (none) would become" in installed.checked.said


def test_a_second_run_changes_nothing(standing: Fleet) -> None:
    done = standing.order()
    assert done.code == 0
    assert done.changed() == {"broker.lan": 0, "hall": 0, "kitchen": 0}


def test_check_mode_of_what_is_there_changes_nothing(standing: Fleet) -> None:
    done = standing.order("--check", "--diff")
    assert (done.code, set(done.changed().values())) == (0, {0})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"affectd_version": None}, "missing required arguments: affectd_version"),
        ({"affectd_version": "8.0"}, "affectd_8.0_"),
        ({"affectd_settings": {}}, "missing required arguments: purpose"),
        ({"affectd_settings": {"node": {"purpose": "workplace"}}}, "got: workplace"),
        ({"affectd_settings": {"node": {"purpose": "home", "mode": "smell"}}}, "got: smell"),
        ({"affectd_settings": {"node": {"purpose": "home"}, "camera": {"rate": 3}}}, "rate"),
        ({"affectd_settings": {"node": {"purpose": "home"}, "mqtt": {"port": "many"}}}, "many"),
        ({"affectd_settings": {"node": {"purpose": "home", "id": "another"}}}, "its name in the inventory is its id"),
        ({"affectd_keys": ["/nowhere/owner.pub"]}, "/nowhere/owner.pub: there is no such file"),
        ({"affectd_model_set": "/nowhere/x.tar"}, "/nowhere/x.tar: there is no such file"),
        ({"nodes": ("kitchen", "living.room")}, "living.room cannot be a node"),
        ({"broker": False}, "missing required arguments: host"),
        ({"broker": False, "affectd_settings": {**SETTINGS, "mqtt": {"host": "x"}}}, "has no password for the broker"),
        ({"nodes": ("kitchen", "house")}, "house cannot be a node"),
    ],
    ids=lambda value: re.sub(r"\W+", "-", str(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_be_is_refused_before_any_machine_is_touched(
    standing: Fleet, settings: dict[str, Any], said: str
) -> None:
    done = standing.order(**settings)
    assert done.code != 0
    assert said in re.sub(r"\s+", " ", done.said)
    assert set(done.changed().values()) == {0}
    assert "PLAY [Make the broker]" not in done.said


def test_a_system_of_32_bits_is_refused(standing: Fleet) -> None:
    standing.machines["hall"].put("usr/local/bin/dpkg", "#!/bin/sh\necho armhf\n")
    standing.machines["hall"].run("chmod +x /usr/local/bin/dpkg")
    done = standing.order()
    standing.machines["hall"].run("rm /usr/local/bin/dpkg")
    assert "hall runs armhf, and affectd needs 64 bits" in done.said
    assert "PLAY [Make the broker]" not in done.said


def test_passwords_may_come_from_a_vault_and_the_broker_from_somebody_else(
    standing: Fleet, installed: Installed, tmp_path: Path
) -> None:
    (tmp_path / "vault").write_text("correct horse battery staple")
    vault = f"--vault-password-file={tmp_path / 'vault'}"
    (standing.folder / "host_vars").mkdir()
    for name, password in installed.passwords.items():
        secret = standing.folder / "host_vars" / f"{name}.yml"
        secret.write_text(f"affectd_mqtt_password: '{password}'\n")
        subprocess.run([Path(sys.executable).with_name("ansible-vault"), "encrypt", vault, secret], check=True)
    authority = standing.machines["broker.lan"].root / "etc/mosquitto/affectd/authority/ca.crt"
    elsewhere = {"mqtt": {"host": "broker.lan", "port": 8883, "tls": True}}
    done = standing.order(
        vault, broker=False, affectd_ca_file=str(authority), affectd_settings={**SETTINGS, **elsewhere}
    )
    shutil.rmtree(standing.folder / "host_vars")
    assert done.code == 0
    assert done.changed() == {"hall": 0, "kitchen": 0}, "it is as it was when the broker handed it out"


def test_an_update_rolls_through_the_fleet_one_by_one(fleet: Fleet, tmp_path: Path) -> None:
    newer(fleet, tmp_path, variants.sound)
    done = fleet.order(affectd_packages=str(tmp_path), affectd_version="9.0")
    assert done.code == 0
    assert fleet.versions() == ["9.0", "9.0"]
    assert [fleet.heard(f"{name}/info")["version"] for name in NODES] == ["9.0", "9.0"]
    kitchen, hall = (done.said.index(f"changed: [{name}]") for name in NODES)
    assert "ok: [kitchen]" not in done.said[hall:].partition("PLAY RECAP")[0], "both were changed at once"
    assert kitchen < hall


def test_an_update_that_does_not_get_healthy_stops_at_the_first_node_which_goes_back(
    fleet: Fleet, tmp_path: Path
) -> None:
    before = version_of(fleet.package)
    newer(fleet, tmp_path, variants.is_never_ready)
    done = fleet.order(affectd_packages=str(tmp_path), affectd_version="9.0")
    assert done.code != 0
    assert f"kitchen did not get healthy with affectd 9.0 and is back on {before}" in re.sub(r"\s+", " ", done.said)
    assert (done.count("failed", "kitchen"), done.changed()["hall"]) == (1, 0)
    assert fleet.versions() == [before, before]
    assert [fleet.heard(f"{name}/status")["state"] for name in NODES] == ["online", "online"]
    again = fleet.order(affectd_packages=str(tmp_path), affectd_version="9.0")
    assert "kitchen has tried affectd 9.0, and went back" in re.sub(r"\s+", " ", again.said)
    assert set(again.changed().values()) == {0}


def test_a_package_that_has_anothers_name_is_not_installed(fleet: Fleet, tmp_path: Path) -> None:
    shutil.copy(fleet.package, tmp_path / f"affectd_9.0_{ARCH}.deb")
    done = fleet.order(affectd_packages=str(tmp_path), affectd_version="9.0")
    assert "give it its name back" in done.said
    assert fleet.versions() == [version_of(fleet.package)] * 2


def test_a_change_of_the_settings_restarts_a_node_and_one_that_it_cannot_use_does_not(fleet: Fleet) -> None:
    kitchen = fleet.machines["kitchen"]
    before = kitchen.tells("InvocationID")
    refused = fleet.order(affectd_settings={**SETTINGS, "fusion": {"uncertain_below": 7.0}})
    assert "uncertain_below" in refused.said
    assert (kitchen.tells("InvocationID"), kitchen.tells("ActiveState")) == (before, "active")
    done = fleet.order(affectd_settings={**SETTINGS, "fusion": {"uncertain_below": 0.5}})
    assert done.code == 0
    assert kitchen.tells("InvocationID") != before
    assert "uncertain_below = 0.5" in kitchen.run("affectd config show")


def test_a_signed_model_set_comes_to_all_and_a_strangers_to_none(fleet: Fleet) -> None:
    hall = fleet.machines["hall"]
    for owner in ("owner", "stranger"):
        hall.run(f"cd /srv && minisign -G -W -s {owner}.key -p {owner}.pub")
        hall.run(f"cd /srv && affectd models pack baseline --key {owner}.key --out {owner}.models.tar")
    ours: dict[str, Any] = {"affectd_keys": [str(hall.root / "srv/owner.pub")]}
    refused = fleet.order(**ours, affectd_model_set=str(hall.root / "srv/stranger.models.tar"))
    assert "not signed by a key that is trusted here" in re.sub(r"\s+", " ", refused.said)
    done = fleet.order(**ours, affectd_model_set=str(hall.root / "srv/owner.models.tar"))
    assert done.code == 0
    assert [fleet.heard(f"{name}/info")["model_set"] for name in NODES] == ["baseline", "baseline"]
    again = fleet.order(**ours, affectd_model_set=str(hall.root / "srv/owner.models.tar"))
    assert (again.code, set(again.changed().values())) == (0, {0})
