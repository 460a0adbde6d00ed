# ruff: noqa: D103 - test names are sentences
"""The package's life under real systemd, on Debian 12 and 13: `make deb-boot` runs this on the package in dist/."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import variants
from fakes import eventually
from machine import ARCH, HERE, PROJECT, SAMPLE, Machine, booted
from sandbox import probe, probe_outside, tempt

CONFIG = """
[node]
id = "test"
[replay]
media = ["/srv/sample.flv"]
loop = true
"""
UNIT = "usr/lib/systemd/system/affectd.service"


@pytest.fixture(scope="session")
def package() -> Path:
    found = sorted((PROJECT / "dist").glob(f"affectd_*_{ARCH}.deb"), key=lambda path: path.stat().st_mtime)
    assert found, "no package in dist/; run: make deb"
    return found[-1]


@pytest.fixture(scope="module")
def installed(base: Path, package: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The disk of a machine where affectd was installed and plays a film to a broker."""
    folder = tmp_path_factory.mktemp("installed")
    with booted(str(base), folder / "machine") as machine:
        machine.install(package)
        machine.put("srv/sample.flv", SAMPLE.read_bytes())
        configure(machine, CONFIG)
        eventually(lambda: trial_is_over(machine), deadline_s=120)
    return f"{folder}/machine/upper:{base}"


@pytest.fixture
def bare(base: Path, tmp_path: Path) -> Iterator[Machine]:
    """A machine without affectd."""
    with booted(str(base), tmp_path / "machine") as machine:
        yield machine


@pytest.fixture
def machine(installed: str, tmp_path: Path) -> Iterator[Machine]:
    """A machine where affectd runs."""
    with booted(installed, tmp_path / "machine") as machine:
        eventually(lambda: machine.tells("ActiveState") == "active", deadline_s=60)
        yield machine


def configure(machine: Machine, config: str) -> None:
    machine.put("etc/affectd/affectd.toml", config)
    machine.run("systemctl restart affectd")


def override(machine: Machine, text: str, unit: str = "affectd") -> None:
    machine.put(f"etc/systemd/system/{unit}.service.d/test.conf", text)
    machine.run("systemctl daemon-reload")


def told(name: str, figure: float, unit: str) -> None:
    print(f"\n{name}: {figure:.2f} {unit}")


def files(machine: Machine) -> set[str]:
    """Every file but those in which the system keeps books of its own."""
    books = (
        "/proc /sys /dev /run /tmp /srv /var/log /var/lib/dpkg /var/lib/apt /var/lib/systemd /var/cache/apt "
        "/var/cache/ldconfig"
    )
    pruned = " -o ".join(f"-path {book}" for book in books.split())
    return set(machine.run(f"find / \\( {pruned} \\) -prune -o -print").splitlines())


# Installation


def test_apt_installs_it_it_starts_and_the_first_message_comes_soon(bare: Machine, package: Path) -> None:
    begin = time.monotonic()
    said = bare.install(package)
    first = bare.run("mosquitto_sub -C 1 -W 60 -t 'affectd/+/state'")
    told("install to first message", time.monotonic() - begin, "s")
    assert time.monotonic() - begin < 180
    assert json.loads(first)["label"] == "unknown"
    assert "ok    models" in said
    assert "FAIL  camera" in said
    assert "ok    state folder" in said
    assert "sudo affectd setup" in said
    units = "affectd affectd-firstboot affectd-trial"
    assert bare.run(f"systemctl is-active affectd; systemctl is-enabled {units}").split() == ["active"] + 3 * [
        "enabled"
    ]
    assert bare.run("stat --format=%U /proc/$(systemctl show -p MainPID --value affectd)") == "affectd"


def test_what_belongs_to_the_package_fits(machine: Machine) -> None:
    folders = "/opt/affectd /etc/affectd /usr/libexec/affectd /usr/share/doc/affectd"
    size_mb = int(machine.run(f"du --summarize --block-size=1 --total {folders} | tail -1").split()[0]) / 1e6
    told("installed, compiled Python and all", size_mb, "MB")
    assert size_mb <= 120


def test_its_files_are_as_they_were_packed_and_only_root_may_change_them(machine: Machine) -> None:
    assert machine.run("dpkg --verify affectd") in ("", "??5?????? c /etc/affectd/affectd.toml")
    assert machine.run("find /opt/affectd /usr/libexec/affectd ! -user root -o -perm /022 ! -type l") == ""


def install_signed_set(machine: Machine) -> None:
    """As its owner and then its user would; what is the owner's lies in /srv."""
    for command in (
        "minisign -G -W -s owner.key -p owner.pub && cp owner.pub /etc/affectd/keys/",
        "affectd models pack affectd-1 --key owner.key --out set.tar",
        "affectd models install set.tar",
    ):
        machine.run(f"cd /srv && {command}")


def test_nothing_stays_after_a_purge(bare: Machine, package: Path) -> None:
    before, people = files(bare), bare.run("getent passwd; getent group | sort")
    bare.install(package)
    bare.run("mkdir -p /etc/credstore && echo secret > /etc/credstore/affectd.mqtt-password")
    bare.run("affectd setup --yes --skip-checks --purpose home --camera none --username kitchen")
    bare.run("systemctl restart affectd")
    install_signed_set(bare)
    bare.run("mosquitto_sub -C 1 -W 60 -t 'affectd/+/state'")
    bare.run("apt-get purge --yes affectd")
    assert files(bare) - before <= {"/etc/passwd-", "/etc/shadow-", "/etc/group-", "/etc/gshadow-", "/etc/credstore"}
    assert bare.run("getent passwd; getent group | sort") == people
    assert bare.run("systemctl --failed --no-legend") == ""


def test_a_purge_leaves_the_desktop_server_s_configuration_alone(machine: Machine) -> None:
    machine.put("etc/affectd/affectd-server.toml", "[server]\nport = 8385\n")
    machine.run("apt-get purge --yes affectd")
    assert machine.run("ls -A /etc/affectd") == "affectd-server.toml"


# First start


SETUP_FILE = """
[node]
id = "hall"
purpose = "home"
mode = "speech"
[mqtt]
username = "hall"
password = "s3cret"
"""


def with_setup_file(disk: str, text: str, folder: Path) -> str:
    """The disk with a boot partition, on which a setup file lies."""
    firmware = folder / "card" / "boot" / "firmware"
    firmware.mkdir(parents=True)
    (firmware / "affectd-setup.toml").write_text(text)
    return f"{folder}/card:{disk}"


def test_a_file_on_the_boot_partition_sets_a_node_up_at_its_first_start(installed: str, tmp_path: Path) -> None:
    with booted(with_setup_file(installed, SETUP_FILE, tmp_path), tmp_path / "machine") as machine:
        eventually(lambda: machine.tells("ActiveState") == "active", deadline_s=60)
        shown = machine.run("affectd config show")
        assert 'id = "hall"' in shown
        assert machine.run("cat /etc/affectd/mqtt-password") == "s3cret"
        assert machine.run("stat --format='%U %G %a' /etc/affectd/mqtt-password") == "root affectd 640"
        assert machine.run("ls /boot/firmware") == "affectd-setup.txt"
        told_on_card = machine.run("cat /boot/firmware/affectd-setup.txt")
        assert "Done: /etc/affectd/affectd.toml is written" in told_on_card
        assert "FAIL  microphone" in told_on_card
        assert "ok    broker publish" in told_on_card
        machine.run("mosquitto_sub -C 1 -W 60 -t affectd/hall/state")
        machine.run("systemctl start affectd-firstboot")
        assert machine.tells("ConditionResult", "affectd-firstboot.service") == "no"


def test_a_setup_file_with_a_mistake_changes_nothing_and_is_told(installed: str, tmp_path: Path) -> None:
    disk = with_setup_file(installed, SETUP_FILE.replace("home", "school"), tmp_path)
    with booted(disk, tmp_path / "machine", state="degraded") as machine:
        assert machine.tells("ExecMainStatus", "affectd-firstboot.service") == "78"
        assert "forbidden in the EU" in machine.run("cat /boot/firmware/affectd-setup.txt")
        assert (machine.root / "etc/affectd/affectd.toml").read_text() == CONFIG
        machine.run("mosquitto_sub -C 1 -W 60 -t affectd/test/state")


def test_what_takes_the_setup_file_is_shut_in(machine: Machine) -> None:
    said = machine.run("systemd-analyze security --threshold=30 affectd-firstboot.service")
    print("\n" + said.splitlines()[-1])


# Service


def test_it_is_ready_within_three_seconds_of_a_cold_start(machine: Machine) -> None:
    machine.run("systemctl stop affectd")
    Path("/proc/sys/vm/drop_caches").write_text("3")
    machine.run("systemctl start affectd")
    begin_us, ready_us = (int(machine.tells(f"{name}TimestampMonotonic")) for name in ("InactiveExit", "ActiveEnter"))
    told("cold start to READY", (ready_us - begin_us) / 1e6, "s")
    assert ready_us - begin_us <= 3e6


def test_the_film_is_understood_as_it_is_elsewhere(machine: Machine) -> None:
    said = machine.run(
        "mosquitto_sub -C 40 -W 60 -t 'affectd/test/state' | grep --only-matching '\"label\":\"[a-z]*\"'"
    )
    assert '"label":"happy"' in said


def test_the_sandbox_is_tight(machine: Machine) -> None:
    said = machine.run("systemd-analyze security --threshold=20 affectd.service")
    print("\n" + said.splitlines()[-1])


def test_a_process_that_hangs_is_killed_and_started_again(machine: Machine) -> None:
    override(machine, "[Service]\nWatchdogSec=4\nTimeoutAbortSec=2\n")
    machine.run("systemctl restart affectd")
    machine.run("kill -STOP $(systemctl show -p MainPID --value affectd)")
    eventually(lambda: machine.tells("NRestarts") == "1" and machine.tells("ActiveState") == "active", deadline_s=60)
    assert "Watchdog timeout" in machine.journal()


def test_it_stops_in_order(machine: Machine) -> None:
    machine.run("mosquitto_sub -C 1 -W 60 -t 'affectd/test/state'")
    machine.run("systemctl stop affectd")
    assert (machine.tells("Result"), machine.tells("ExecMainStatus")) == ("success", "0")
    assert json.loads(machine.run("mosquitto_sub -C 1 -W 10 -t affectd/test/status"))["state"] == "stopped"


def test_a_configuration_that_cannot_be_used_is_not_tried_again(machine: Machine) -> None:
    machine.put("etc/affectd/affectd.toml", "[camera]\nrate = 3\n")
    machine.run("systemctl restart affectd", check=False)
    eventually(lambda: machine.tells("ActiveState") == "failed")
    assert (machine.tells("ExecMainStatus"), machine.tells("NRestarts")) == ("78", "0")
    assert "did you mean 'rate_hz'" in machine.journal()


# Sandbox


@pytest.fixture
def tempting(machine: Machine) -> Machine:
    """Where everything is open to whoever is not shut in."""
    tempt(machine)
    return machine


def test_the_service_can_do_what_it_must_and_nothing_else(tempting: Machine) -> None:
    assert set(probe_outside(tempting, user="affectd", folder="/var/lib/affectd").values()) == {"done"}, (
        "denied even outside: the probe proves nothing"
    )
    assert probe(tempting, UNIT) == {
        "write its state": "done",
        "write elsewhere": "EROFS",
        "read a home": "EACCES",
        "open another device": "EPERM",
        "see another's process": "ENOENT",
        "make a namespace": "EPERM",
        "set the user id of a file": "EPERM",
        "connect to the broker": "done",
        "connect elsewhere": "done",
    }


def test_with_the_example_it_talks_to_the_broker_and_nobody_else(tempting: Machine) -> None:
    options = (HERE / "broker-only.conf").read_text()
    found = probe(tempting, UNIT, options=options)
    assert found["connect to the broker"] == "done"
    assert found["connect elsewhere"] in ("EPERM", "ETIMEDOUT")


# Updates


def trial_is_over(machine: Machine) -> bool:
    return machine.tells("ActiveState", "affectd-trial.service") in ("inactive", "failed")


def kept(machine: Machine) -> list[str]:
    return machine.run("ls /var/cache/affectd/kept").split()


def on_version(machine: Machine, version: str) -> bool:
    return machine.version() == version and machine.tells("ActiveState") == "active"


def test_an_upgrade_and_a_downgrade_stay_when_they_are_healthy(machine: Machine, package: Path, tmp_path: Path) -> None:
    install_signed_set(machine)
    ours = machine.run("ls /etc/affectd/keys; readlink -f /var/lib/affectd-models/active")
    newer = variants.variant(package, "9.0", tmp_path, variants.sound)
    for version, each in (("9.0", newer), (package.name.split("_")[1], package)):
        machine.install(each)
        assert on_version(machine, version)
        eventually(lambda: trial_is_over(machine), deadline_s=120)
        assert f"affectd {version} is healthy" in machine.journal("affectd-trial.service")
        assert on_version(machine, version)
        assert kept(machine) == [f"affectd_{version}_{ARCH}.deb"]
    assert (machine.root / "etc/affectd/affectd.toml").read_text() == CONFIG
    assert machine.run("ls /etc/affectd/keys; readlink -f /var/lib/affectd-models/active") == ours


def test_a_machine_that_has_nothing_to_go_back_to_keeps_the_version_that_works_at_its_next_start(
    machine: Machine, package: Path
) -> None:
    machine.run("rm -r /var/cache/affectd/kept && systemctl start affectd-trial")  # as after a card image's first start
    eventually(lambda: trial_is_over(machine), deadline_s=120)
    assert kept(machine) == [package.name]


@pytest.mark.parametrize(
    "fault",
    [
        variants.ends_at_once,
        variants.is_never_ready,
        variants.hangs_when_ready,
        variants.refuses_the_configuration,
        variants.cannot_be_set_up,
    ],
)
def test_an_update_that_does_not_get_healthy_goes_back_by_itself(
    machine: Machine, package: Path, tmp_path: Path, fault: Callable[[Path], None]
) -> None:
    version = package.name.split("_")[1]
    begin = time.monotonic()
    try:
        machine.install(variants.variant(package, "9.0", tmp_path, fault))
    except AssertionError:
        assert fault is variants.cannot_be_set_up
    assert machine.version().startswith("9.0")
    eventually(lambda: trial_is_over(machine), deadline_s=180)
    told(f"update that {fault.__name__}: back", time.monotonic() - begin, "s")
    eventually(lambda: on_version(machine, version), deadline_s=60)
    machine.run("mosquitto_sub -C 1 -W 60 -t 'affectd/test/state'")
    assert "affectd 9.0 did not get healthy" in machine.journal("affectd-trial.service")
    assert "Pin: version 9.0" in machine.run("cat /etc/apt/preferences.d/affectd-refused")
    assert machine.run("dpkg --audit") == ""
    assert kept(machine) == [f"affectd_{version}_{ARCH}.deb"]


def test_a_service_that_somebody_stops_during_the_trial_is_not_judged(
    machine: Machine, package: Path, tmp_path: Path
) -> None:
    machine.install(variants.variant(package, "9.0", tmp_path, variants.sound))
    machine.run("systemctl stop affectd")
    eventually(lambda: trial_is_over(machine), deadline_s=90)
    assert "stopped by hand, so it is not judged" in machine.journal("affectd-trial.service")
    assert machine.version() == "9.0"
