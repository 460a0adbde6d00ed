# ruff: noqa: D103 - test names are sentences
"""The package's life under real systemd, on Debian 12 and 13: `make deb-boot` runs this on the package in dist/.

Updates have stories of their own, in test_updates_booted.py.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from installed import CONFIG, install_signed_set, override, told
from machine import HERE, Machine, booted, eventually
from sandbox import probe, probe_outside, tempt

UNIT = "usr/lib/systemd/system/affectd.service"


def files(machine: Machine) -> set[str]:
    """Every file but those in which the system keeps books of its own."""
    books = (
        "/proc /sys /dev /run /tmp /srv /var/log /var/lib/dpkg /var/lib/apt /var/lib/systemd /var/cache/apt "
        "/var/cache/ldconfig"
    )
    pruned = " -o ".join(f"-path {book}" for book in books.split())
    return set(machine.run(f"find / \\( {pruned} \\) -prune -o -print").splitlines())


# Installation


def test_apt_installs_it_it_starts_and_a_first_message_comes(bare: Machine, package: Path) -> None:
    begin = time.monotonic()
    said = bare.install(package)
    first = bare.run("mosquitto_sub -C 1 -W 600 -t 'affectd/+/state'")
    told("install to first message", time.monotonic() - begin, "s")
    assert json.loads(first)["label"] == "unknown"
    assert "ok    models" in said
    assert "FAIL  purpose" in said
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
    assert machine.run("dpkg --verify affectd") == ""
    assert machine.run("find /opt/affectd /usr/libexec/affectd ! -user root -o -perm /022 ! -type l") == ""


def test_camera_and_microphone_stay_closed_until_a_purpose_is_stated(bare: Machine, package: Path) -> None:
    bare.install(package)
    for sensor in ("camera", "microphone"):
        said = json.loads(bare.run(f"mosquitto_sub -C 1 -W 600 -t affectd/+/status/{sensor}"))
        assert "closed until a purpose is stated; run: sudo affectd setup" in said["reason"]
    bare.run("mosquitto_pub -t affectd/$(hostname)/privacy/set -m OFF")
    bare.run("mosquitto_sub -C 1 -W 600 -t 'affectd/+/privacy/state'")
    assert "closed until" in bare.run("mosquitto_sub -C 1 -W 600 -t affectd/+/status/camera")
    bare.run("affectd setup --yes --skip-checks --purpose home && systemctl restart affectd")
    eventually(lambda: "closed" not in bare.run("mosquitto_sub -C 1 -W 600 -t affectd/+/status/camera"))


def test_its_start_says_nothing_that_nobody_needs_to_know(machine: Machine) -> None:
    machine.run("journalctl --rotate --vacuum-time=1s; systemctl restart affectd")
    machine.run("mosquitto_sub -C 1 -W 600 -t 'affectd/test/state'")
    said = machine.run("journalctl --no-pager --output=cat --unit=affectd.service")
    print("\n" + said)
    for noise in ("credential", "XNNPACK", "emory", "starting"):
        assert noise not in said


def test_nothing_stays_after_a_purge(bare: Machine, package: Path) -> None:
    before, people = files(bare), bare.run("getent passwd; getent group | sort")
    bare.install(package)
    bare.run("mkdir -p /etc/credstore && echo secret > /etc/credstore/affectd.mqtt-password")
    bare.run("affectd setup --yes --skip-checks --purpose home --camera none --username kitchen")
    bare.run("systemctl restart affectd")
    install_signed_set(bare)
    bare.run("mosquitto_sub -C 1 -W 600 -t 'affectd/+/state'")
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
        eventually(lambda: machine.tells("ActiveState") == "active")
        shown = machine.run("affectd config show")
        assert 'id = "hall"' in shown
        assert machine.run("cat /etc/affectd/mqtt-password") == "s3cret"
        assert machine.run("stat --format='%U %G %a' /etc/affectd/mqtt-password") == "root affectd 640"
        assert machine.run("ls /boot/firmware") == "affectd-setup.txt"
        told_on_card = machine.run("cat /boot/firmware/affectd-setup.txt")
        assert "Done: /etc/affectd/affectd.toml is written" in told_on_card
        assert "FAIL  microphone" in told_on_card
        assert "ok    broker publish" in told_on_card
        machine.run("mosquitto_sub -C 1 -W 600 -t affectd/hall/state")
        machine.run("systemctl start affectd-firstboot")
        assert machine.tells("ConditionResult", "affectd-firstboot.service") == "no"


def test_a_setup_file_with_a_mistake_changes_nothing_and_is_told(installed: str, tmp_path: Path) -> None:
    disk = with_setup_file(installed, SETUP_FILE.replace("home", "school"), tmp_path)
    with booted(disk, tmp_path / "machine", state="degraded") as machine:
        assert machine.tells("ExecMainStatus", "affectd-firstboot.service") == "78"
        assert "forbidden in the EU" in machine.run("cat /boot/firmware/affectd-setup.txt")
        assert (machine.root / "etc/affectd/affectd.toml").read_text() == CONFIG
        machine.run("mosquitto_sub -C 1 -W 600 -t affectd/test/state")


def test_what_takes_the_setup_file_is_shut_in(machine: Machine) -> None:
    said = machine.run("systemd-analyze security --threshold=30 affectd-firstboot.service")
    print("\n" + said.splitlines()[-1])


# Service


def test_it_gets_ready_from_a_cold_start(machine: Machine) -> None:
    machine.run("systemctl stop affectd")
    Path("/proc/sys/vm/drop_caches").write_text("3")
    used_s = int(machine.run("systemctl start affectd && systemctl show --property=CPUUsageNSec --value affectd")) / 1e9
    begin_us, ready_us = (int(machine.tells(f"{name}TimestampMonotonic")) for name in ("InactiveExit", "ActiveEnter"))
    told("cold start to READY", (ready_us - begin_us) / 1e6, "s")
    told("of a processor", used_s, "s")
    assert machine.tells("NRestarts") == "0"


def test_the_film_is_understood_as_it_is_elsewhere(machine: Machine) -> None:
    said = machine.run(
        "mosquitto_sub -C 40 -W 600 -t 'affectd/test/state' | grep --only-matching '\"label\":\"[a-z]*\"'"
    )
    assert '"label":"happy"' in said


def test_the_sandbox_is_tight(machine: Machine) -> None:
    said = machine.run("systemd-analyze security --threshold=20 affectd.service")
    print("\n" + said.splitlines()[-1])


def test_a_process_that_hangs_is_killed_and_started_again(machine: Machine) -> None:
    override(machine, "[Service]\nWatchdogSec=4\nTimeoutAbortSec=2\n")
    machine.run("systemctl restart affectd")
    machine.run("kill -STOP $(systemctl show -p MainPID --value affectd)")
    eventually(lambda: machine.tells("NRestarts") == "1" and machine.tells("ActiveState") == "active")
    assert "Watchdog timeout" in machine.journal()


def test_it_stops_in_order(machine: Machine) -> None:
    machine.run("mosquitto_sub -C 1 -W 600 -t 'affectd/test/state'")
    machine.run("systemctl stop affectd")
    assert (machine.tells("Result"), machine.tells("ExecMainStatus")) == ("success", "0")
    assert json.loads(machine.run("mosquitto_sub -C 1 -W 600 -t affectd/test/status"))["state"] == "stopped"


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
