"""What a program's output goes to: a full disk, a pipe that nobody reads, nothing at all, a terminal without UTF-8."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from appliance import HAPPY_CLIP, SCENE
from processes import run

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
AFFECTD = ("-m", "device")
SERVER = ("-m", "desktop_server")
SPEAKING = {
    "help": (*AFFECTD, "--help"),
    "version": (*AFFECTD, "--version"),
    "replay": (*AFFECTD, "replay", str(HAPPY_CLIP)),
    "replay as JSON": (*AFFECTD, "replay", str(HAPPY_CLIP), "--json"),
    "schema": (*AFFECTD, "config", "schema"),
    "config show": (*AFFECTD, "config", "show"),
    "models list": (*AFFECTD, "models", "list"),
    "models verify": (*AFFECTD, "models", "verify"),
    "devices": (*AFFECTD, "devices"),
    "doctor": (*AFFECTD, "doctor"),
    "the server's help": (*SERVER, "run", "--help"),
    "a token": (*SERVER, "token", "create", "phone"),
    "a comparison": (*SERVER, "compare", str(SCENE.parent / "astronaut.png"), "--provider", "cpu"),
    "the workshop's help": ("-m", "quantize", "train", "--help"),
    "describe": ("-m", "quantize", "describe", "--help"),
    "a broker": ("deploy/mosquitto/make_broker.py", "--folder", "broker", "--host", "localhost"),
    "the detector": ("deploy/provision_models.py",),
}
NOT_SAID = {"help", "version", "the server's help", "the workshop's help", "describe", "doctor", "the detector"}
"""argparse says nothing of it itself; the doctor's findings and the detector's file are not lost with the words."""


def command(name: str) -> list[str]:
    return [sys.executable, *(str(ROOT / part) if part.startswith("deploy/") else part for part in SPEAKING[name])]


def environment(folder: Path, **changed: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "STATE_DIRECTORY": str(folder), **changed}


@pytest.mark.parametrize("name", SPEAKING)
def test_a_full_disk_behind_the_output_is_one_line(name: str, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command(name), stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, cwd=tmp_path,
            env=environment(tmp_path),
        )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    if name not in NOT_SAID:
        assert done.returncode == 1
        assert "No space left on device" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("name", ["help", "replay as JSON", "models list", "a token", "a comparison", "the detector"])
def test_a_pipe_that_nobody_reads_ends_it_quietly(name: str, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        done = subprocess.run(
            command(name), stdout=pipe, stderr=subprocess.PIPE, text=True, timeout=120, cwd=tmp_path,
            env=environment(tmp_path),
        )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert "Broken pipe" not in done.stderr


@pytest.mark.parametrize("name", ["replay as JSON", "models list", "a token"])
def test_streams_that_are_closed_are_no_fault(name: str, tmp_path: Path) -> None:
    closed = ["sh", "-c", 'exec "$@" <&- >&-', "sh", *command(name)]
    assert "Traceback" not in run(closed, cwd=tmp_path, env=environment(tmp_path)).stderr
    assert run(["sh", "-c", 'exec "$@" 2>&-', "sh", *command(name)], env=environment(tmp_path)).returncode in (0, 1)


@pytest.mark.parametrize("name", ["help", "replay", "models list", "a comparison", "the workshop's help"])
def test_a_terminal_without_utf_8_gets_what_it_can_show(name: str, tmp_path: Path) -> None:
    plain = environment(tmp_path, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    done = run(command(name), cwd=tmp_path, env=plain, encoding="ascii")
    assert "Traceback" not in done.stderr
    assert done.stdout


def test_an_error_that_cannot_be_said_still_has_its_exit_code(tmp_path: Path) -> None:
    config = tmp_path / "affectd.toml"
    config.write_text("[camera]\nrate = 5")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, *AFFECTD, "config", "check", "--config", config], stderr=full, stdout=full, timeout=120
        )
    assert done.returncode == 78
