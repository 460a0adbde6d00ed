# ruff: noqa: D103 - test names are sentences
"""Power cuts at random moments of an update and of its return: `make deb-boot` runs this.

There is never a machine without a working version after its next start: twenty-one cuts on each release.
"""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import variants
from installed import override, told, version_of
from machine import Machine, booted, eventually
from power import cut, inserted, new_card
from processes import started

CUTS = 10
INSTALL = "apt-get install --yes --quiet --allow-downgrades --no-install-recommends /srv/affectd_{}.deb"
QUICK = "[Service]\nEnvironment=AFFECTD_STEADY_S=3 AFFECTD_PATIENCE_S=10\n"


@pytest.fixture(scope="module")
def ready(installed: str, package: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The disk of a machine with a good and a bad version at hand, and a trial that is over soon."""
    folder = tmp_path_factory.mktemp("ready")
    with booted(installed, folder / "machine") as machine:
        override(machine, QUICK, "affectd-trial")
        for version, change in (("9.0", variants.sound), ("9.1", variants.ends_at_once)):
            made = variants.variant(package, version, folder, change)
            machine.put(f"srv/{made.name}", made.read_bytes())
    return f"{folder}/machine/upper:{installed}"


@pytest.fixture(scope="module")
def lengths_s(ready: str, package: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """How long an update and a return take where nobody cuts the power: the moments are spread over that."""
    with inserted(ready, new_card(tmp_path_factory.mktemp("lengths") / "machine")) as machine:
        eventually(lambda: works(machine, {version_of(package)}))
        with begun_update(machine, "9.0"):
            update_s = seconds_until_settled(machine)
        begin_return(machine)
        lengths_s = {"update": update_s, "return": seconds_until_settled(machine)}
    print(f"\nuncut: {lengths_s}")
    return lengths_s


def seconds_until_settled(machine: Machine) -> float:
    begin_s = time.monotonic()
    eventually(lambda: settled(machine))
    return time.monotonic() - begin_s


def works(machine: Machine, versions: set[str]) -> bool:
    """Installed wholly, running, and heard."""
    if machine.run("systemctl is-active affectd", check=False) != "active" or machine.version() not in versions:
        return False
    return machine.run("mosquitto_sub -C 1 -W 20 -t affectd/test/state", check=False) != ""


def status(machine: Machine) -> str:
    return machine.run("dpkg-query --showformat='${db:Status-Abbrev}' --show affectd")


def settled(machine: Machine) -> bool:
    """Nothing is judged or taken back any more."""
    marks = [machine.root / "var/cache/affectd/kept" / name for name in ("on-trial", "taking-back")]
    return not any(mark.exists() for mark in marks)


def how_it_was_left(machine: Machine) -> str:
    return " ".join(f"{status(machine)} {machine.run('ls /var/cache/affectd/kept')}".split())


def test_a_cut_before_the_first_script_of_an_update_could_leave_a_mark_is_healed(
    ready: str, package: Path, tmp_path: Path
) -> None:
    card = new_card(tmp_path / "machine")
    made = variants.variant(package, "9.2", tmp_path, variants.waits_before_anything)
    with inserted(ready, card) as machine:
        machine.put(f"srv/{made.name}", made.read_bytes())
        eventually(lambda: works(machine, {version_of(package)}))
        with begun(machine, INSTALL.format("9.2")):
            eventually(lambda: status(machine).startswith("iH"))
            card = cut(machine, card, tmp_path / "after")
    comes_back(ready, card, {version_of(package)}, "update, cut before its first script")


@pytest.mark.parametrize("number", range(CUTS))
def test_a_cut_in_an_update_leaves_a_version_that_works(
    ready: str, package: Path, lengths_s: dict[str, float], tmp_path: Path, number: int
) -> None:
    card = new_card(tmp_path / "machine")
    moment_s = moment(number, lengths_s["update"])
    with inserted(ready, card) as machine:
        eventually(lambda: works(machine, {version_of(package)}))
        with begun_update(machine, "9.0") as update:
            wait(update, moment_s)
            card = cut(machine, card, tmp_path / "after")
    comes_back(ready, card, {version_of(package), "9.0"}, f"update, cut after {moment_s:.1f} s")


@pytest.mark.parametrize("number", range(CUTS))
def test_a_cut_in_the_return_from_an_update_leaves_a_version_that_works(
    ready: str, package: Path, lengths_s: dict[str, float], tmp_path: Path, number: int
) -> None:
    card = new_card(tmp_path / "machine")
    moment_s = moment(number, lengths_s["return"])
    with inserted(ready, card) as machine:
        eventually(lambda: works(machine, {version_of(package)}))
        begin_return(machine)
        with begun(machine, "journalctl --follow") as waiting:
            wait(waiting, moment_s)
            card = cut(machine, card, tmp_path / "after")
    comes_back(ready, card, {version_of(package)}, f"return, cut after {moment_s:.1f} s")


def moment(number: int, length_s: float) -> float:
    """Anywhere in the tenth of that number."""
    return random.Random(number).uniform(number, number + 1) / CUTS * length_s


def comes_back(disk: str, card: Path, versions: set[str], name: str) -> None:
    with inserted(disk, card) as machine:
        left = how_it_was_left(machine)
        begin = time.monotonic()
        eventually(lambda: works(machine, versions))
        told(f"{name}: {left}: works again", time.monotonic() - begin, "s")
        eventually(lambda: settled(machine))
        assert works(machine, versions)
        assert machine.run("dpkg --audit") == ""
        machine.run("apt-get check")
        assert "cannot be read" not in machine.journal()


def begun(machine: Machine, command: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    nowhere = subprocess.DEVNULL
    return started(
        ["nsenter", "--target", str(machine.leader), "--all", "sh", "-c", command],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"},
        stdin=nowhere, stdout=nowhere, stderr=nowhere,
    )  # fmt: skip


@contextmanager
def begun_update(machine: Machine, version: str) -> Iterator[subprocess.Popen[bytes]]:
    """From where preinst keeps the file on; what apt does before changes nothing."""
    with begun(machine, INSTALL.format(version)) as update:
        eventually(lambda: bool(list((machine.root / "var/cache/affectd/kept").glob("arrived.*"))), pause_s=0.01)
        yield update


def begin_return(machine: Machine) -> None:
    """From a version that ends at once."""
    machine.run(INSTALL.format("9.1"))
    eventually((machine.root / "var/cache/affectd/kept/taking-back").exists)


def wait(process: subprocess.Popen[bytes], moment_s: float) -> None:
    """Until then, whether it ends before or not: the trial, which comes after it, is cut, too."""
    end_s = time.monotonic() + moment_s
    try:
        process.wait(moment_s)
    except subprocess.TimeoutExpired:
        return
    eventually(lambda: time.monotonic() >= end_s, pause_s=0.01)
