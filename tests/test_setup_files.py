"""Files that setup writes: all or none, with the rights that they need."""

from pathlib import Path

import pytest
from faults import full_disk

from device.config.settings import Settings
from device.errors import AffectdError
from device.setup.draft import Draft
from device.setup.files import NewFile, write_draft, write_files

pytestmark = pytest.mark.slow


def test_several_files_are_all_written_or_none(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("old")
    with pytest.raises(AffectdError, match="cannot be written"):
        write_files([NewFile(old, b"new"), NewFile(tmp_path / "other", b""), NewFile(old / "below", b"")])
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert old.read_text() == "old"


def test_a_full_disk_keeps_what_is_there(tmp_path: Path) -> None:
    with full_disk(tmp_path / "full") as folder:
        before = list(folder.iterdir())
        with pytest.raises(AffectdError, match="No space left on device"):
            write_files([NewFile(tmp_path / "password", b"x"), NewFile(folder / "affectd.toml", b"[node]\n" * 2_000)])
        assert list(folder.iterdir()) == before
    assert not (tmp_path / "password").exists()


def test_a_file_keeps_its_owner_and_rights_and_a_secret_one_is_closed(tmp_path: Path) -> None:
    kept, secret = tmp_path / "kept", tmp_path / "secret"
    kept.touch()
    kept.chmod(0o640)
    secret.touch()
    secret.chmod(0o666)
    write_files([NewFile(kept, b"x"), NewFile(secret, b"x", secret=True)])
    assert [path.stat().st_mode & 0o777 for path in (kept, secret)] == [0o640, 0o640]


@pytest.mark.parametrize(("source", "mode"), [("http://10.0.0.2/?user=me&pwd=s3cret", 0o640), ("/dev/video0", 0o644)])
def test_an_address_of_a_camera_may_hold_its_password_so_not_everybody_reads_it(
    tmp_path: Path, source: str, mode: int
) -> None:
    config = tmp_path / "affectd.toml"
    write_draft(Draft(Settings()).with_camera(source), config)
    assert config.stat().st_mode & 0o777 == mode
