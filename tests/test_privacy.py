from pathlib import Path

import pytest

from device.errors import AffectdError
from device.privacy import PrivacyFlag


def test_a_new_appliance_is_open() -> None:
    assert not PrivacyFlag(Path("/nowhere/privacy")).active()


def test_a_wish_survives_a_restart(tmp_path: Path) -> None:
    for wish in (True, False, True):
        PrivacyFlag(tmp_path / "privacy").set(wish)
        assert PrivacyFlag(tmp_path / "privacy").active() is wish


@pytest.mark.parametrize("left", [b"", b"O", b"\0\0\0\0", b"off"])
def test_a_file_that_a_power_cut_left_half_written_means_closed(tmp_path: Path, left: bytes) -> None:
    (tmp_path / "privacy").write_bytes(left)
    assert PrivacyFlag(tmp_path / "privacy").active()


def test_a_file_that_cannot_be_read_means_closed(tmp_path: Path) -> None:
    (tmp_path / "privacy").mkdir()
    assert PrivacyFlag(tmp_path / "privacy").active()


def test_a_wish_that_cannot_be_kept_is_an_error_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(AffectdError, match="cannot remember the privacy switch"):
        PrivacyFlag(tmp_path / "nowhere" / "privacy").set(True)
