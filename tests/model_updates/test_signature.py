"""Signatures: whose sets are trusted."""

import shutil
from pathlib import Path

import pytest
from packed_sets import Owner, active_name, flipped, install, make_owner, refused, repacked

from device.errors import AffectdError

pytestmark = pytest.mark.slow


def test_a_set_that_is_not_signed_is_refused(baseline: Path, owner: Owner, root: Path, tmp_path: Path) -> None:
    unsigned = repacked(baseline, tmp_path, lambda f: (f / "manifest.json.minisig").unlink(), owner, honest=False)
    refused(unsigned, owner, root, "is not signed")


def test_a_set_signed_by_somebody_else_is_refused(baseline: Path, root: Path, tmp_path: Path) -> None:
    refused(baseline, make_owner(tmp_path), root, r"not signed by a key that is trusted here.*owner\.pub")


def test_one_trusted_key_of_several_is_enough(baseline: Path, owner: Owner, root: Path, tmp_path: Path) -> None:
    other = make_owner(tmp_path)
    shutil.copy(owner.keys / "owner.pub", other.keys / "second.pub")
    assert install(baseline, root=root, keys=other.keys).signed_by == "second.pub"


@pytest.mark.parametrize("content", [None, b"", b"not a key\n"])
def test_without_a_usable_key_nothing_is_trusted(
    baseline: Path, root: Path, tmp_path: Path, content: bytes | None
) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    if content is not None:
        (keys / "odd.pub").write_bytes(content)
    refused(baseline, Owner(keys, keys), root, "no key to trust|not signed by a key")


def test_whatever_is_changed_after_signing_is_found_out(
    baseline: Path, owner: Owner, root: Path, tmp_path: Path
) -> None:
    for number, (name, said) in enumerate([("baseline-face.tflite", "sha256"), ("manifest.json", "altered since")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        refused(repacked(baseline, folder, flipped(name), owner, honest=False), owner, root, said)


def test_without_minisign_nothing_is_trusted(
    baseline: Path, owner: Owner, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(AffectdError, match="apt install minisign"):
        install(baseline, root=root, keys=owner.keys)
    assert active_name(root) == "the package's"
