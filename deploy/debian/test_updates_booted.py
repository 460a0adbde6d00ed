# ruff: noqa: D103 - test names are sentences
"""Updates and the ways back under real systemd, on Debian 12 and 13: `make deb-boot` runs this."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import variants
from installed import (
    CONFIG,
    configure,
    install_signed_set,
    kept,
    on_version,
    override,
    pack_signed_set,
    told,
    trial_is_over,
    version_of,
)
from machine import Machine, eventually

CONFIG_FILE = "etc/affectd/affectd.toml"
REFUSED = "/etc/apt/preferences.d/affectd-refused"
QUICK = "[Service]\nEnvironment=AFFECTD_STEADY_S=5 AFFECTD_PATIENCE_S=30\n"
"""Enough where nothing hangs."""
REALLY = "mosquitto_sub -C 1 -W 600 -t affectd/test/state"


def verdict(machine: Machine) -> str:
    """What the trial said last."""
    eventually(lambda: trial_is_over(machine))
    return machine.run("cat /run/affectd-trial/verdict")


# Versions that stay


def test_an_upgrade_and_a_downgrade_stay_when_they_are_healthy(machine: Machine, package: Path, tmp_path: Path) -> None:
    install_signed_set(machine)
    ours = machine.run("ls /etc/affectd/keys; readlink -f /var/lib/affectd-models/active")
    newer = variants.variant(package, "9.0", tmp_path, variants.sound)
    old, before = version_of(package), version_of(package)
    for version, each in (("9.0", newer), (old, package)):
        machine.install(each)
        assert on_version(machine, version)
        assert verdict(machine) == f"affectd {version} is healthy, and kept"
        assert on_version(machine, version)
        assert kept(machine) == {"before.deb": before, "working.deb": version}
        before = version
    assert (machine.root / CONFIG_FILE).read_text() == CONFIG
    assert machine.run("ls /etc/affectd/keys; readlink -f /var/lib/affectd-models/active") == ours


def test_the_file_that_came_is_what_is_kept_whoever_installs_it(
    machine: Machine, package: Path, tmp_path: Path
) -> None:
    for version, command in (("9.0", "apt-get install --yes --quiet ./"), ("9.1", "dpkg --install ")):
        newer = variants.variant(package, version, tmp_path, variants.sound)
        machine.put(f"srv/{newer.name}", newer.read_bytes())
        machine.run(f"cd /srv && {command}{newer.name}")
        assert "and kept" in verdict(machine)
        machine.run(f"cmp /srv/{newer.name} /var/cache/affectd/kept/working.deb")


def test_a_machine_that_has_nothing_to_go_back_to_keeps_the_version_that_works_at_its_next_start(
    machine: Machine, package: Path
) -> None:
    machine.run("rm -r /var/cache/affectd/kept && systemctl start affectd-trial")  # as where somebody cleared the cache
    assert "is healthy, and kept" in verdict(machine)
    assert kept(machine) == {"working.deb": version_of(package)}


def test_a_service_that_somebody_stops_during_the_trial_is_not_judged(
    machine: Machine, package: Path, tmp_path: Path
) -> None:
    machine.install(variants.variant(package, "9.0", tmp_path, variants.sound))
    machine.run("systemctl stop affectd")
    assert "stopped by hand, so it is not judged" in verdict(machine)
    assert machine.version() == "9.0"


def test_where_nothing_can_be_written_there_is_no_trial(machine: Machine) -> None:
    machine.run("rm -r /var/cache/affectd; mount --bind /var/cache /var/cache; mount -o remount,bind,ro /var/cache")
    machine.run("systemctl start affectd-trial")
    assert machine.tells("ConditionResult", "affectd-trial.service") == "no"
    assert machine.run("systemctl --failed --no-legend") == ""


# Versions that go


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (variants.ends_at_once, "the service does not get ready"),
        (variants.is_never_ready, "the service does not get ready"),
        (variants.hangs_when_ready, "the service does not"),
        (variants.refuses_the_configuration, "the service does not get ready"),
        (variants.cannot_be_set_up, "it cannot be installed wholly"),
        (variants.loses_its_broker, "broker was online before, and is offline"),
        (variants.loses_its_microphone, "microphone was online before, and is not there"),
    ],
)
def test_an_update_that_does_not_get_healthy_goes_back_by_itself_and_is_refused_from_then_on(
    machine: Machine, package: Path, tmp_path: Path, fault: Callable[[Path], None], why: str
) -> None:
    machine.run(REALLY)
    if fault is not variants.hangs_when_ready:
        override(machine, QUICK, "affectd-trial")
    version, begin = version_of(package), time.monotonic()
    bad = variants.variant(package, "9.0", tmp_path, fault)
    try:
        machine.install(bad)
    except AssertionError:
        assert fault is variants.cannot_be_set_up
    assert verdict(machine) == f"affectd {version} is back"
    told(f"update that {fault.__name__}: back", time.monotonic() - begin, "s")
    assert on_version(machine, version)
    machine.run(REALLY)
    assert re.search(f"affectd 9.0 did not get healthy: {why}", machine.journal("affectd-trial.service"))
    assert machine.run("dpkg --audit") == ""
    assert kept(machine) == {"working.deb": version}
    invocation = machine.tells("InvocationID")
    for command in ("apt-get install --yes ./", "dpkg --install "):
        said = machine.run(f"cd /srv && {command}{bad.name}", check=False)
        assert (
            f"version 9.0 was tried here, did not get healthy, and was taken back. To try it again: sudo rm {REFUSED}"
            in said
        )
        assert on_version(machine, version)
    assert trial_is_over(machine) or verdict(machine)
    assert invocation
    machine.run(f"rm {REFUSED}; apt-get install --yes --download-only /srv/{bad.name}")


def test_the_checks_of_the_owner_decide_too(machine: Machine, package: Path, tmp_path: Path) -> None:
    machine.put("etc/affectd/healthy.d/lamp", '#!/bin/sh\nhostname; echo "the lamp is dark"; exit 3\n')
    machine.run("chmod +x /etc/affectd/healthy.d/lamp")
    override(machine, QUICK, "affectd-trial")
    machine.install(variants.variant(package, "9.0", tmp_path, variants.sound))
    said = verdict(machine)
    # It was dark before, too.
    assert f"affectd {version_of(package)} is back, but with it, too, /etc/affectd/healthy.d/lamp ended with 3" in said
    assert "(the lamp is dark): so affectd 9.0 is not to blame, and not refused" in said
    assert not (machine.root / REFUSED.lstrip("/")).exists()


# The configuration


def test_an_upgrade_after_a_way_back_leaves_the_configuration_alone(
    machine: Machine, package: Path, tmp_path: Path
) -> None:
    machine.install(variants.variant(package, "9.0", tmp_path, variants.ends_at_once))
    assert "is back" in verdict(machine)
    machine.install(variants.variant(package, "9.1", tmp_path, variants.has_another_default))
    assert "9.1 is healthy" in verdict(machine)
    assert (machine.root / CONFIG_FILE).read_text() == CONFIG
    assert machine.run("dpkg-query --showformat='${Conffiles}' --show affectd") == ""


def test_a_configuration_that_dpkg_looked_after_outlives_the_change_and_the_way_back(
    bare: Machine, package: Path, tmp_path: Path
) -> None:
    old = variants.variant(package, "0.0.9", tmp_path, variants.has_its_configuration_as_a_conffile)
    bare.install(old)
    bare.put(CONFIG_FILE, CONFIG.replace("/srv/sample.flv", "/opt/affectd"))  # whatever; it does not start with it
    mine = CONFIG.split("[replay]")[0] + '[log]\nlevel = "debug"\n'
    configure(bare, mine)
    eventually(lambda: trial_is_over(bare))
    bare.install(variants.variant(package, "9.0", tmp_path, variants.has_another_default))
    assert "9.0 is healthy" in verdict(bare)
    assert (bare.root / CONFIG_FILE).read_text() == mine
    bare.install(old)
    assert "0.0.9 is healthy, and kept" in verdict(bare)
    assert kept(bare) == {"before.deb": "9.0", "working.deb": "0.0.9"}
    assert (bare.root / CONFIG_FILE).read_text() == mine
    bare.install(variants.variant(package, "9.1", tmp_path, variants.ends_at_once))
    assert "0.0.9 is back" in verdict(bare)
    assert (bare.root / CONFIG_FILE).read_text() == mine
    bare.install(package)
    assert "is healthy" in verdict(bare)
    assert (bare.root / CONFIG_FILE).read_text() == mine
    bare.run("apt-get purge --yes affectd")
    assert not (bare.root / "etc/affectd").exists()


def test_a_default_that_was_never_touched_becomes_no_question(bare: Machine, package: Path, tmp_path: Path) -> None:
    bare.install(package)
    bare.run("affectd setup --yes --skip-checks --purpose home && systemctl restart affectd")
    mine = (bare.root / CONFIG_FILE).read_text()
    said = bare.install(variants.variant(package, "9.0", tmp_path, variants.has_another_default))
    assert "onfiguration file" not in said
    assert (bare.root / CONFIG_FILE).read_text() == mine


# A card that is nearly full


@contextmanager
def small(machine: Machine, folder: str, size_mb: float) -> Iterator[None]:
    machine.run(f"cp -a {folder} /srv/moved && mount -t tmpfs -o size={size_mb:.0f}m tmpfs {folder}")
    machine.run(f"cp -a /srv/moved/. {folder}")
    yield


def test_on_a_nearly_full_card_an_update_is_refused_and_what_is_kept_stays(
    machine: Machine, package: Path, tmp_path: Path
) -> None:
    newer = variants.variant(package, "9.0", tmp_path, variants.sound)
    size_mb = package.stat().st_size / 1e6
    with small(machine, "/var/cache/affectd", 1.5 * size_mb):
        machine.put(f"srv/{newer.name}", newer.read_bytes())
        said = machine.run(f"apt-get install --yes /srv/{newer.name}", check=False)
        assert re.search(r"nothing was changed: .*kept needs \d+ MB to keep this version to go back to", said)
        eventually(lambda: trial_is_over(machine))
        assert on_version(machine, version_of(package))
        assert kept(machine) == {"working.deb": version_of(package)}
        assert machine.run("dpkg --audit") == ""


def test_where_two_versions_fit_and_not_three_the_oldest_goes(machine: Machine, package: Path, tmp_path: Path) -> None:
    sizes = []
    for version in ("9.0", "9.1"):
        newer = variants.variant(package, version, tmp_path, variants.sound)
        sizes.append(newer.stat().st_size / 1e6)
        if version == "9.0":
            machine.install(newer)
            assert "and kept" in verdict(machine)
            assert kept(machine) == {"before.deb": version_of(package), "working.deb": "9.0"}
    with small(machine, "/var/cache/affectd", 2 * sizes[1] + 10):
        machine.install(newer)
        assert "9.1 is healthy, and kept" in verdict(machine)
        assert kept(machine) == {"before.deb": "9.0", "working.deb": "9.1"}


# Model sets


MORTAL = """#!/usr/bin/python3
import os, socket, sys, time
if os.path.realpath("/var/lib/affectd-models/active").endswith("affectd-1"):
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
    time.sleep(1)
    sys.exit(1)
os.execv("/opt/affectd/bin/affectd", ["affectd", "run", "--config", "/etc/affectd/affectd.toml"])
"""
ACTIVE = "var/lib/affectd-models/active"


def test_a_set_with_which_the_service_dies_right_after_it_was_ready_goes_back(machine: Machine) -> None:
    pack_signed_set(machine)
    machine.put("srv/mortal", MORTAL)
    machine.run("chmod +x /srv/mortal")
    override(machine, "[Service]\nExecStart=\nExecStart=/srv/mortal\n")
    machine.run("systemctl restart affectd")
    said = machine.run("affectd models install /srv/set.tar --restart", check=False)
    assert "it is on trial" in said
    assert "with sets/0001-affectd-1, so the set of the package is active again" in said
    assert not (machine.root / ACTIVE).is_symlink()
    eventually(lambda: machine.tells("ActiveState") == "active")
    machine.run(REALLY)


def test_a_trial_outlives_the_terminal_that_began_it(machine: Machine) -> None:
    pack_signed_set(machine)
    machine.run("systemd-run --quiet --unit=terminal affectd models install /srv/set.tar --restart")
    eventually(lambda: machine.tells("ActiveState", "affectd-trial.service") == "active")
    machine.run("systemctl kill --signal=HUP terminal")
    assert verdict(machine) == "affectd is healthy with sets/0001-affectd-1, which stays"
    assert (machine.root / ACTIVE).is_symlink()


def test_of_a_service_that_was_broken_before_no_set_is_taken_back(machine: Machine) -> None:
    pack_signed_set(machine)
    override(machine, "[Service]\nExecStart=\nExecStart=/bin/false\n")
    machine.run("systemctl restart affectd", check=False)
    said = machine.run("affectd models install /srv/set.tar --restart", check=False)
    assert "with sets/0001-affectd-1; but neither did the service run before: sets/0001-affectd-1 stays" in said
    assert (machine.root / ACTIVE).is_symlink()
