"""The fleet as one run of the playbook makes it, and copies of it for tests that change it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from containers import ADDRESSES, ARCH, BRIDGE, NETWORK, NODES, Fleet, Installed, running
from machine import PACKAGES, PROJECT, SAMPLE, Machine
from processes import heed_signals

heed_signals()


@pytest.fixture(scope="session")
def base() -> Path:
    """The root of a release, with what affectd needs and what Raspberry Pi OS has besides, and without affectd."""
    root = PROJECT / "build" / "roots" / f"bookworm-{ARCH}-fleet"
    more = "minisign,openssh-server,openssl,python3-apt,sudo"
    subprocess.run(
        [PROJECT / "deploy/debian/root.sh", root, ARCH, "bookworm", f"{PACKAGES},{more}"], check=True, timeout=1800
    )
    return root


@pytest.fixture(scope="session")
def package() -> Path:
    """The newest of dist/."""
    found = sorted((PROJECT / "dist").glob(f"affectd_*_{ARCH}.deb"), key=lambda path: path.stat().st_mtime)
    assert found, "no package in dist/; run: make deb"
    return found[-1]


@pytest.fixture(scope="session", autouse=True)
def network() -> Iterator[None]:
    """A wire between the machines and this one."""
    for command in (f"add {BRIDGE} type bridge", f"set {BRIDGE} up"):
        subprocess.run(["ip", "link", *command.split()], check=True, timeout=120)
    subprocess.run(["ip", "address", "add", f"{NETWORK}.1/24", "dev", BRIDGE], check=True, timeout=120)
    yield
    subprocess.run(["ip", "link", "delete", BRIDGE], check=True, timeout=120)


@pytest.fixture(scope="session")
def key(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the key that lets in, and of whom to expect."""
    folder = tmp_path_factory.mktemp("key")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True, timeout=120)
    kind, public, *_ = (base / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()
    (folder / "known_hosts").write_text("".join(f"{address} {kind} {public}\n" for address in ADDRESSES.values()))
    return folder


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


@pytest.fixture(scope="session")
def installed(base: Path, key: Path, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The first run, on machines that have nothing yet."""
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


@pytest.fixture
def fleet(installed: Installed, key: Path, package: Path, tmp_path: Path) -> Iterator[Fleet]:
    """A fleet of one's own."""
    with running(installed.disks, tmp_path, key, package) as fleet:
        yield fleet
