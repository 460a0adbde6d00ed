"""What holds of every command of the workshop: how it stops, and where it writes."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from fakes import eventually
from perception import MODELS
from processes import started

from quantize.__main__ import main

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
KEPT = "every finished epoch is kept, the same command goes on from there"


def stopped(pipe: Path, *command: str) -> str:
    """What a command says when Ctrl-C is pressed while it reads ``pipe``, which never says anything."""
    os.mkfifo(pipe)
    asked = [sys.executable, "-m", "quantize", *command]
    with started(asked, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        end = opened(pipe, process)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        os.close(end)
    assert process.returncode == 130
    return str(told).strip().splitlines()[-1]


def opened(pipe: Path, process: subprocess.Popen[str]) -> int:
    """The writer's end, once the process reads."""
    ends: list[int] = []

    def opened_or_over() -> bool:
        with suppress(OSError):  # nobody reads yet
            ends.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        return bool(ends) or process.poll() is not None

    eventually(opened_or_over, 60)
    assert ends, f"it ended before it read: {process.communicate(timeout=10)[1]}"
    return ends[0]


def test_a_training_that_is_stopped_says_that_its_epochs_are_kept(tmp_path: Path) -> None:
    told = stopped(tmp_path / "fer2013_ferplus.npz", "train", "baseline-face", "--root", str(tmp_path))
    assert told == f"quantize: stopped; {KEPT}"


def test_a_measurement_that_is_stopped_does_not_speak_of_epochs(tmp_path: Path) -> None:
    model = tmp_path / "net.tflite"
    model.write_bytes(b"")
    command = ("evaluate", "--model", str(model), "--dataset", "tess", "--root", str(tmp_path))
    assert stopped(model.with_suffix(".json"), *command) == "quantize: stopped"


@pytest.mark.parametrize("command", ["evaluate", "robustness", "against"])
def test_where_no_figures_can_be_written_it_is_said_before_the_work(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in the way").write_text("a file")
    model = str(MODELS / "baseline-speech.tflite")
    asked = [command, "--model", model, *(("--than", model) if command == "against" else ()), "--dataset", "tess"]
    for out, why in (
        (tmp_path / "in the way" / "figures.json", "cannot be written (Not a directory); choose another --json"),
        (Path("/proc/figures.json"), "cannot be written"),
        (tmp_path, "is a folder; name a file in it with --json"),
    ):
        assert main([*asked, "--root", str(tmp_path / "nowhere"), "--json", str(out)]) == 1
        assert f"{out}: {why}" in capsys.readouterr().err


def test_a_folder_for_the_figures_that_is_still_to_be_made_is_fine_and_not_made_before_its_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["evaluate", "--model", str(MODELS / "baseline-speech.tflite"), "--dataset", "tess"]
    assert main([*asked, "--root", str(tmp_path / "nowhere"), "--json", str(tmp_path / "new" / "figures.json")]) == 1
    assert "there is no such folder; name the one that holds tess" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
