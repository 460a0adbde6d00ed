"""Archives of model sets: what is none is refused before it does harm."""

import gzip
import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packed_sets import Owner, active_name, install, refused

from device.errors import AffectdError
from device.updates import archive

pytestmark = pytest.mark.slow


def test_a_download_that_was_cut_off_anywhere_is_refused(
    baseline: Path, owner: Owner, root: Path, tmp_path: Path
) -> None:
    content = baseline.read_bytes()
    with tarfile.open(baseline) as tar:
        ends = [member.offset for member in tar]
    for length in (0, 1, 511, *(end + more for end in ends for more in (0, 512, 700))):
        (tmp_path / "cut.tar").write_bytes(content[:length])
        refused(tmp_path / "cut.tar", owner, root, "copy or download|is not signed")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip", b"<html>404</html>" * 100, bytes(10240)])
def test_what_is_no_archive_is_reported_to_be_none(owner: Owner, root: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "set.tar").write_bytes(content)
    refused(tmp_path / "set.tar", owner, root, "not a whole model set")


def test_a_compressed_archive_is_not_opened(baseline: Path, owner: Owner, root: Path, tmp_path: Path) -> None:
    (tmp_path / "set.tar.gz").write_bytes(gzip.compress(baseline.read_bytes(), 1))
    refused(tmp_path / "set.tar.gz", owner, root, "not a whole model set")


def test_what_is_no_file_is_reported_to_be_none(owner: Owner, root: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, said in ((tmp_path / "gone", "cannot read"), (tmp_path, "not a file"), (tmp_path / "pipe", "not a file")):
        with pytest.raises(AffectdError, match=said):
            install(path, root=root, keys=owner.keys)


def member(name: str, kind: bytes = tarfile.REGTYPE, **more: Any) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type = kind
    for key, value in more.items():
        setattr(made, key, value)
    return made


HOSTILE = {
    "above": member("../evil"),
    "absolute": member("/tmp/evil"),
    "below": member("folder/evil"),
    "hidden": member(".evil"),
    "nameless": member(""),
    "long": member("x" * 300),
    "folder": member("folder", tarfile.DIRTYPE),
    "link": member("manifest.json", tarfile.SYMTYPE, linkname="/etc/passwd"),
    "hard link": member("manifest.json", tarfile.LNKTYPE, linkname="/etc/passwd"),
    "device": member("null", tarfile.CHRTYPE, devmajor=1, devminor=3),
    "pipe": member("pipe", tarfile.FIFOTYPE),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_an_archive_with_anything_but_plain_files_is_refused(
    owner: Owner, root: Path, tmp_path: Path, kind: str
) -> None:
    with tarfile.open(tmp_path / "set.tar", "w") as tar:
        tar.addfile(HOSTILE[kind])
    refused(tmp_path / "set.tar", owner, root, "is no plain file side by side")
    assert not list(tmp_path.rglob("evil"))
    assert not Path("/tmp/evil").exists()


def test_two_files_of_one_name_are_refused(owner: Owner, root: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "set.tar", "w") as tar:
        for content in (b"one", b"two"):
            tar.addfile(member("manifest.json", size=3), io.BytesIO(content))
    refused(tmp_path / "set.tar", owner, root, "two files called manifest.json")


def test_a_crowd_of_files_is_refused(owner: Owner, root: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "set.tar", "w") as tar:
        for number in range(archive.MAX_FILES + 1):
            tar.addfile(member(f"f{number}"))
    refused(tmp_path / "set.tar", owner, root, "more than 64 files")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_headers_that_announce_headers_without_end_are_refused(
    owner: Owner, root: Path, tmp_path: Path, kind: bytes
) -> None:
    header = member("x", kind, size=12).tobuf(tarfile.GNU_FORMAT) + b"12 path=abc\n".ljust(512, b"\0")
    (tmp_path / "set.tar").write_bytes(3000 * header)
    refused(tmp_path / "set.tar", owner, root, "not a whole model set")


def test_a_giant_is_refused_before_it_is_read(owner: Owner, root: Path, tmp_path: Path) -> None:
    with (tmp_path / "set.tar").open("wb") as file:
        file.truncate(archive.MAX_ARCHIVE_BYTES + 1)
    refused(tmp_path / "set.tar", owner, root, "are no model set")


def test_a_small_archive_that_would_be_a_giant_is_refused(owner: Owner, root: Path, tmp_path: Path) -> None:
    """A sparse file: 10 TB of nothing in a kilobyte."""
    header = member("weights.tflite", size=10**13).tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "claims.tar").write_bytes(header + bytes(1024))
    refused(tmp_path / "claims.tar", owner, root, "bytes; 64000000 are the most|not a whole")
    big = tmp_path / "hole"
    with big.open("wb") as file:
        file.truncate(10**9)
    subprocess.run(["tar", "-cSf", tmp_path / "sparse.tar", "-C", tmp_path, "hole"], check=True, timeout=120)
    assert (tmp_path / "sparse.tar").stat().st_size < 20_000
    refused(tmp_path / "sparse.tar", owner, root, "is no plain file")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), headers=st.booleans())
def test_a_flipped_bit_is_harmless_or_refused(
    sibling: Path, owner: Owner, tmp_path: Path, place: float, bit: int, headers: bool
) -> None:
    content = bytearray(sibling.read_bytes())
    with tarfile.open(sibling) as tar:
        starts = [member.offset for member in tar]
    at = starts[int(place * len(starts))] + int(place * 1e6) % 512 if headers else int(place * len(content))
    content[at] ^= 1 << bit
    (tmp_path / "flipped.tar").write_bytes(content)
    root = tmp_path / "installed"
    shutil.rmtree(root, ignore_errors=True)
    try:
        install(tmp_path / "flipped.tar", root=root, keys=owner.keys)
    except AffectdError:
        assert active_name(root) == "the package's"
    else:
        assert active_name(root) == "sibling"
