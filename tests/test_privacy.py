import os
from pathlib import Path

import pytest
from small_disk import run_on_small_disk

from device.appliance.privacy import PrivacyFlag
from device.errors import AffectdError

PRELUDE = f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from small_disk import fill
from device.errors import AffectdError
from device.appliance.privacy import PrivacyFlag
folder = Path(sys.argv[1])
path = folder / "privacy"
"""


def test_a_new_appliance_is_open() -> None:
    assert not PrivacyFlag(Path("/nowhere/privacy")).active()


def test_a_request_survives_a_restart(tmp_path: Path) -> None:
    for requested in (True, False, False, True, False):
        PrivacyFlag(tmp_path / "privacy").set(requested)
        assert PrivacyFlag(tmp_path / "privacy").active() is requested
        assert PrivacyFlag(tmp_path / "privacy").problem == ""


@pytest.mark.parametrize("left", [b"", b"O", b"\0\0\0\0", b"off", b"ON\n", b"ONF\n", b"OF \n"])
def test_a_file_that_a_power_cut_left_half_written_means_closed(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "privacy").write_bytes(left)
    assert PrivacyFlag(tmp_path / "privacy").active()
    PrivacyFlag(tmp_path / "privacy").set(False)
    assert not PrivacyFlag(tmp_path / "privacy").active()


def test_a_file_of_an_earlier_version_is_understood(tmp_path: Path) -> None:
    (tmp_path / "privacy").write_bytes(b"OFF\n")
    assert not PrivacyFlag(tmp_path / "privacy").active()


def test_a_file_that_cannot_be_read_means_closed_and_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "privacy").mkdir()
    flag = PrivacyFlag(tmp_path / "privacy")
    flag.secure()
    assert flag.active()
    assert "cannot read the privacy switch (Is a directory)" in flag.problem
    assert "opened by OFF" in flag.problem


def test_a_request_that_cannot_be_kept_is_an_error_in_one_sentence(tmp_path: Path) -> None:
    flag = PrivacyFlag(tmp_path / "nowhere" / "privacy")
    with pytest.raises(AffectdError, match="cannot remember the privacy switch"):
        flag.set(True)
    assert flag.active()
    (tmp_path / "nowhere").mkdir()
    flag.secure()  # it is tried again
    assert flag.problem == ""
    assert PrivacyFlag(tmp_path / "nowhere" / "privacy").active()


def test_the_file_keeps_its_place_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "privacy"
    PrivacyFlag(path).secure()
    assert not PrivacyFlag(path).active()
    place = path.stat().st_ino
    for requested in (True, False):
        PrivacyFlag(path).set(requested)
        assert (path.stat().st_ino, path.stat().st_size) == (place, 4)
    assert [left.name for left in tmp_path.iterdir()] == ["privacy"]


@pytest.mark.slow
def test_a_full_disk_forgets_no_request(tmp_path: Path) -> None:
    script = PRELUDE + (
        "PrivacyFlag(path).secure()\n"
        "fill(folder)\n"
        "for requested in (True, False, True):\n"
        "    PrivacyFlag(path).set(requested)\n"
        "    print(requested, PrivacyFlag(path).active())"
    )
    assert run_on_small_disk(tmp_path / "disk", script).splitlines() == ["True True", "False False", "True True"]


@pytest.mark.slow
def test_a_disk_that_was_always_full_remembers_at_least_that_it_is_closed(tmp_path: Path) -> None:
    script = PRELUDE + (
        "fill(folder)\n"
        "flag = PrivacyFlag(path)\n"
        "flag.secure()\n"
        "print('No space left' in flag.problem, flag.active(), PrivacyFlag(path).active())\n"
        "flag.set(True)\n"
        "print(flag.problem or 'fine', flag.active(), PrivacyFlag(path).active())\n"
        "(folder / 'filling').unlink()\n"
        "flag.set(False)\n"
        "print(flag.problem or 'fine', flag.active(), PrivacyFlag(path).active())"
    )
    told = run_on_small_disk(tmp_path / "disk", script).splitlines()
    assert told == ["True False False", "fine True True", "fine False False"]


@pytest.mark.slow
def test_a_disk_that_can_only_be_read_reports_it_and_keeps_what_it_reported(tmp_path: Path) -> None:
    script = PRELUDE + (
        "PrivacyFlag(path).set(True)\n"
        "os.system(f'mount -o remount,ro {folder}')\n"
        "flag = PrivacyFlag(path)\n"
        "flag.secure()\n"
        "print(flag.active(), flag.problem)\n"
        "flag.set(True)\n"
        "try: flag.set(False)\n"
        "except AffectdError as error: print(error)\n"
        "print(flag.active(), PrivacyFlag(path).active())"
    )
    at_start, refused, after = run_on_small_disk(tmp_path / "disk", script).splitlines()
    assert at_start.startswith("True ")
    assert "cannot remember the privacy switch (Read-only file system)" in at_start
    assert "Read-only file system" in refused
    assert after == "False True"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write whatever the file says")
def test_a_file_that_may_not_be_written_reports_it_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "privacy").write_bytes(b"OFF\n")
    (tmp_path / "privacy").chmod(0o400)
    flag = PrivacyFlag(tmp_path / "privacy")
    flag.secure()
    assert "Permission denied" in flag.problem
    assert not flag.active()
