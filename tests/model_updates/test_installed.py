"""Installed sets: full disks, power cuts, and rot on the card."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from appliance import HAPPY_CLIP, running, write_config
from broker import HOST, Listener, Mosquitto
from fakes import eventually
from packed_sets import Owner, active_name, flipped, install, roll_back

from device.errors import AffectdError

pytestmark = pytest.mark.slow


def test_a_disk_that_is_full_half_way_leaves_what_was_active(
    baseline: Path, affectd_1: Path, owner: Owner, small_disk: Path
) -> None:
    install(affectd_1, root=small_disk, keys=owner.keys)
    with pytest.raises(AffectdError, match=r"No space left on device.*is the disk full\?"):
        install(baseline, root=small_disk, keys=owner.keys)
    assert active_name(small_disk) == "affectd-1"
    assert not list(small_disk.glob(".staging-*"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Room for one set and a half."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True, timeout=120
    ).returncode:
        pytest.skip("a small disk of our own needs root: mount -t tmpfs")
    yield folder
    subprocess.run(["umount", folder], check=True, timeout=120)


CUT = """
import os, shutil, signal, sys
from pathlib import Path
from device.updates.install import install, roll_back
from device.updates.proof import try_out

what, folder, archive, keys = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])
STEPS = {"os.mkdir", "os.rename", "os.symlink", "os.rmdir", "shutil.rmtree"}

def cut_after(steps, root):
    def watch(event, arguments):
        nonlocal steps
        writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR) and str(root) in str(arguments[0])
        if writes or event in STEPS:
            if steps == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            steps -= 1
    sys.addaudithook(watch)

for steps in range(200):
    root = folder / f"{steps:03}"
    shutil.copytree(folder / "before", root, symlinks=True)
    process = os.fork()
    if process == 0:
        cut_after(steps, root)
        if what == "rollback":
            roll_back(root, prove=try_out)
        else:
            install(archive, root=root, keys=keys, prove=try_out)
        os._exit(0)
    if os.waitpid(process, 0)[1] == 0:
        break
"""
"""Python tells its audit hooks of what it will do to the file system before it does it: there the power is cut."""


@pytest.mark.parametrize("what", ["install", "rollback"])
def test_a_power_cut_at_any_step_leaves_the_old_set_or_the_new_one(
    sibling: Path, affectd_1: Path, owner: Owner, tmp_path: Path, what: str
) -> None:
    for file in (sibling, affectd_1, sibling)[: 2 if what == "rollback" else 3]:
        install(file, root=tmp_path / "before", keys=owner.keys)
    command = [sys.executable, "-c", CUT, what, str(tmp_path), str(affectd_1), str(owner.keys)]
    subprocess.run(command, check=True, timeout=120, capture_output=True)
    roots = sorted(path for path in tmp_path.iterdir() if path.name != "before")
    names = [active_name(root) for root in roots]
    assert len(roots) > 3
    new = names[-1]
    old = active_name(tmp_path / "before")
    assert (old, new) == (("affectd-1", "sibling") if what == "rollback" else ("sibling", "affectd-1"))
    switched = names.index(new)
    assert names == [old] * switched + [new] * (len(names) - switched)
    for root in (roots[0], roots[switched - 1], roots[switched], roots[-1]):
        heal(root, sibling if active_name(root) == "affectd-1" else affectd_1, owner)


def heal(root: Path, file: Path, owner: Owner) -> None:
    """The next install clears away what the cut left, and the way back is there."""
    before = active_name(root)
    install(file, root=root, keys=owner.keys)
    assert not list(root.glob(".staging-*"))
    assert len(list((root / "sets").iterdir())) == 2
    back = roll_back(root)
    assert back is not None
    assert back.name == before


def test_a_set_that_rotted_on_the_card_is_passed_over_on_the_way_back(
    baseline: Path, affectd_1: Path, owner: Owner, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install(baseline, root=root, keys=owner.keys)
    flipped("baseline-face.tflite")(root / "active")
    install(affectd_1, root=root, keys=owner.keys)
    assert (roll_back(root), active_name(root)) == (None, "the package's")
    assert "0001-baseline is left out: baseline-face.tflite" in caplog.text


@pytest.mark.parametrize("name", ["affectd-1-face.tflite", "affectd-1-speech.json", "sets.json", "manifest.json"])
def test_one_flipped_byte_of_the_set_in_use_lets_the_one_before_serve_and_is_reported(
    baseline: Path, sibling: Path, owner: Owner, root: Path, tmp_path: Path, name: str
) -> None:
    install(baseline, root=root, keys=owner.keys)
    install(sibling, root=root, keys=owner.keys)
    flipped(name)(root / "active")
    with Mosquitto(tmp_path) as broker, Listener(broker.port) as house:
        assert serving(tmp_path, broker, house, root) == ("degraded", "baseline")
        flipped("baseline-face.tflite")(root / "active" / "previous")
        assert serving(tmp_path, broker, house, root) == ("degraded", "affectd-1")
        reason = house.json("affectd/test/status/models")[-1]["reason"]
        assert str((root / "active").resolve().parent) not in reason.split("'affectd-1' in ")[-1]


def serving(folder: Path, broker: Mosquitto, house: Listener, root: Path) -> tuple[str, str]:
    """What the appliance says of its models, and the set it serves."""
    house.heard.clear()
    replay = {"media": [str(HAPPY_CLIP)], "loop": True}
    config = write_config(folder, replay=replay, mqtt={"host": HOST, "port": broker.port, "heartbeat_s": 1})
    with running(config, {"AFFECTD_INSTALLED_MODELS": str(root)}):
        eventually(lambda: bool(house.json("affectd/test/state")), 30)
    return house.json("affectd/test/status/models")[-1]["state"], house.json("affectd/test/state")[-1]["model_set"]
