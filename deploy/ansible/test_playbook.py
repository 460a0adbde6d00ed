# ruff: noqa: D103 - test names are sentences
"""The playbook's first run, and runs that must change nothing: `make fleet` runs this."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from containers import SETTINGS, Fleet, Installed, running, version_of


@pytest.fixture(scope="module")
def standing(
    installed: Installed, key: Path, package: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """A fleet for tests that leave it as it is."""
    with running(installed.disks, tmp_path_factory.mktemp("standing"), key, package) as fleet:
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
        subprocess.run(
            [Path(sys.executable).with_name("ansible-vault"), "encrypt", vault, secret], check=True, timeout=120
        )
    authority = standing.machines["broker.lan"].root / "etc/mosquitto/affectd/authority/ca.crt"
    elsewhere = {"mqtt": {"host": "broker.lan", "port": 8883, "tls": True}}
    done = standing.order(
        vault, broker=False, affectd_ca_file=str(authority), affectd_settings={**SETTINGS, **elsewhere}
    )
    shutil.rmtree(standing.folder / "host_vars")
    assert done.code == 0
    assert done.changed() == {"hall": 0, "kitchen": 0}, "it is as it was when the broker handed it out"
