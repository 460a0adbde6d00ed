"""Model sets that come after the package: what is switched to, what is refused, and what a power cut leaves."""

import fcntl
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from appliance import HAPPY_CLIP, affectd, running, write_config
from broker import HOST, Listener, Mosquitto
from fakes import eventually
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from perception import MODELS, detector

from device.errors import AffectdError, ModelError
from device.models.sets import load_set, models_folder, package_folder
from device.updates import archive
from device.updates.archive import unpack
from device.updates.install import install as install_by_child
from device.updates.install import roll_back as roll_back_by_child
from device.updates.manifest import write_manifest
from device.updates.pack import pack
from device.updates.proof import proved, try_out
from device.updates.signature import sign

pytestmark = pytest.mark.slow

install, roll_back = partial(install_by_child, prove=try_out), partial(roll_back_by_child, prove=try_out)
"""Here, which takes a tenth of the time; the command line's tests do it as it is done."""

Change = Callable[[Path], object]


@dataclass(frozen=True, slots=True)
class Owner:
    """Who packs sets: a secret key, and a folder with the public one."""

    key: Path
    keys: Path


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Owner:
    return make_owner(tmp_path_factory.mktemp("owner"))


def make_owner(folder: Path) -> Owner:
    if shutil.which("minisign") is None:
        pytest.skip("no minisign; install it with: apt install minisign")
    (folder / "keys").mkdir()
    key, public = folder / "owner.key", folder / "keys" / "owner.pub"
    subprocess.run(["minisign", "-G", "-W", "-s", key, "-p", public], check=True, capture_output=True, timeout=120)
    return Owner(key, folder / "keys")


@pytest.fixture(scope="module")
def baseline(owner: Owner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed("baseline", owner, tmp_path_factory.mktemp("baseline"))


@pytest.fixture(scope="module")
def affectd_1(owner: Owner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed("affectd-1", owner, tmp_path_factory.mktemp("affectd-1"))


@pytest.fixture(scope="module")
def sibling(affectd_1: Path, owner: Owner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same nets by another name: unlike the baseline's they are quick on any machine."""
    entry = {"face": "affectd-1-face", "speech": "affectd-1-speech", "rule": "average"}
    renamed = edited("sets.json", sets={"sibling": entry}, default="sibling")
    return repacked(affectd_1, tmp_path_factory.mktemp("sibling"), renamed, owner)


def packed(name: str, owner: Owner, folder: Path) -> Path:
    detector()  # or skip: its file is not in the repository
    pack(load_set(MODELS, name), key=owner.key, file=folder / f"{name}.models.tar")
    return folder / f"{name}.models.tar"


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory where that can be: hundreds of installs wait for the disk at each file."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="affectd-", dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "installed"


def active_name(root: Path) -> str:
    """The set in use, proved whole and usable."""
    return try_out(root / "active")[0].name if (root / "active").exists() else "the package's"


def repacked(original: Path, folder: Path, change: Change, owner: Owner, *, honest: bool = True) -> Path:
    """The set, changed; with ``honest`` its owner describes and signs it as it is now."""
    unpacked = folder / "unpacked"
    unpacked.mkdir()
    unpack(original, unpacked)
    if honest:
        for name in ("manifest.json", "manifest.json.minisig"):
            (unpacked / name).unlink()
    change(unpacked)
    if honest:
        sign(write_manifest(unpacked), owner.key)
    archive.write(unpacked, folder / "changed.tar")
    return folder / "changed.tar"


def edited(name: str, **entries: Any) -> Change:
    """A JSON file with other entries."""

    def edit(folder: Path) -> None:
        raw = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**raw, **entries}))

    return edit


# What is switched to


def test_a_packed_set_is_installed_and_a_second_one_and_both_ways_back_lead_home(
    baseline: Path, affectd_1: Path, owner: Owner, root: Path
) -> None:
    for file, name in ((baseline, "baseline"), (affectd_1, "affectd-1")):
        done = install(file, root=root, keys=owner.keys)
        assert (done.models.name, done.signed_by, active_name(root)) == (name, "owner.pub", name)
        assert done.deviation <= 1 / 256
    back = roll_back(root)
    assert (back.name if back else None, active_name(root)) == ("baseline", "baseline")
    assert (roll_back(root), active_name(root)) == (None, "the package's")
    with pytest.raises(AffectdError, match="no model set is installed"):
        roll_back(root)


def test_what_is_installed_is_what_the_appliance_serves_from_its_next_start(
    baseline: Path, owner: Owner, root: Path
) -> None:
    environment = {"AFFECTD_INSTALLED_MODELS": str(root)}
    assert served(environment) == "affectd-1"
    done = affectd("models", "install", baseline, "--keys", owner.keys, environment=environment)
    assert done.returncode == 0, done.stderr
    assert "'baseline' is active: signed with owner.pub" in done.stdout
    assert "systemctl restart affectd.service" in done.stdout
    assert served(environment) == "baseline"
    assert served(environment, "--model-set", "affectd-1") == "affectd-1"
    assert "baseline gives its golden answers" in affectd("models", "verify", environment=environment).stdout
    assert str(root) in affectd("models", "list", environment=environment).stdout
    assert affectd("models", "rollback", environment=environment).returncode == 0
    assert served(environment) == "affectd-1"


def served(environment: dict[str, str], *arguments: str) -> str:
    done = affectd("replay", HAPPY_CLIP, "--mode", "face", "--rate", "1", "--json", *arguments, environment=environment)
    return str(json.loads(done.stdout.splitlines()[0])["model_set"])


def test_a_set_that_the_configuration_names_is_found_in_the_package_too(
    baseline: Path, owner: Owner, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(baseline, root=root, keys=owner.keys)
    monkeypatch.setenv("AFFECTD_INSTALLED_MODELS", str(root))
    assert models_folder() == models_folder(name="baseline") == (root / "active").resolve()
    assert models_folder(name="affectd-1") == package_folder()
    assert models_folder("elsewhere") == Path("elsewhere")


def test_a_configuration_that_keeps_another_set_in_use_is_named(
    baseline: Path, owner: Owner, root: Path, tmp_path: Path
) -> None:
    config = write_config(tmp_path, models={"set": "affectd-1"})
    arguments = ("models", "install", baseline, "--keys", owner.keys, "--config", config)
    done = affectd(*arguments, environment={"AFFECTD_INSTALLED_MODELS": str(root)})
    assert f"models.set = 'affectd-1' in {config} keeps affectd on another set" in done.stdout


def test_the_same_file_again_changes_nothing(baseline: Path, owner: Owner, root: Path) -> None:
    install(baseline, root=root, keys=owner.keys)
    with pytest.raises(AffectdError, match="active already"):
        install(baseline, root=root, keys=owner.keys)
    assert [path.name for path in (root / "sets").iterdir()] == ["0001-baseline"]


def test_only_the_set_in_use_and_the_one_before_are_kept(
    sibling: Path, affectd_1: Path, owner: Owner, root: Path
) -> None:
    for file in (sibling, affectd_1, sibling, affectd_1):
        install(file, root=root, keys=owner.keys)
    assert sorted(path.name for path in (root / "sets").iterdir()) == ["0003-sibling", "0004-affectd-1"]


def test_the_service_may_read_what_root_installed_with_a_closed_umask(baseline: Path, owner: Owner, root: Path) -> None:
    before = os.umask(0o077)
    try:
        install(baseline, root=root, keys=owner.keys)
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode for path in (root, *root.rglob("*")) if path.name != ".lock"}
    assert [path for path, mode in modes.items() if not mode & 0o004] == []


# Who is trusted


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


def flipped(name: str) -> Change:
    def flip(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)

    return flip


def test_without_minisign_nothing_is_trusted(
    baseline: Path, owner: Owner, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(AffectdError, match="apt install minisign"):
        install(baseline, root=root, keys=owner.keys)
    assert active_name(root) == "the package's"


def refused(file: Path, owner: Owner, root: Path, said: str) -> None:
    """In one line, and what was active stays so."""
    before = active_name(root)
    with pytest.raises(ModelError, match=said) as caught:
        install(file, root=root, keys=owner.keys)
    assert "\n" not in str(caught.value)
    assert active_name(root) == before
    assert not list(root.glob(".staging-*"))


# What is a set


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


# Sets that their owner packed wrongly

WRONG: dict[str, tuple[Change, str]] = {
    "other features": (edited("baseline-face.json", features="face48/0"), "features is 'face48/0'"),
    "other features of sound": (edited("baseline-speech.json", features="mfcc/0"), "features is 'mfcc/0'"),
    "another order of labels": (
        edited("baseline-face.json", labels=["sad", "angry", "disgust", "fear", "happy", "neutral", "surprise"]),
        "labels is",
    ),
    "another job": (edited("baseline-face.json", kind="speech"), "kind is 'speech'"),
    "another detector": (edited("blazeface_short.json", features="rgb256/1"), "rgb256/1"),
    "a shape that is not the file's": (
        edited("baseline-face.json", input={"shape": [1, 96, 24, 1], "dtype": "int8", "scale": 1, "zero_point": 0}),
        "the file's input is",
    ),
    "a hash that is not the file's": (edited("baseline-face.json", sha256="0" * 64), "is not the card's"),
    "a file elsewhere": (edited("baseline-face.json", file="../../../../etc/passwd"), "is not part of the set"),
    "a rule of a later version": (
        edited("sets.json", sets={"next": {"face": "baseline-face", "speech": "baseline-speech", "rule": "attention"}},
               default="next"),
        "no fusion rule 'attention'",
    ),
    "a set whose name leads elsewhere": (
        edited("sets.json", sets={"../x": {"face": "baseline-face", "speech": "baseline-speech", "rule": "average"}},
               default="../x"),
        "'../x' is no name",
    ),
    "a card that is nowhere": (
        edited("sets.json", sets={"a": {"face": "gone", "speech": "baseline-speech", "rule": "average"}}, default="a"),
        "no such model card",
    ),
    "two sets": (
        edited("sets.json", sets={name: {"face": "baseline-face", "speech": "baseline-speech", "rule": "average"}
                                  for name in ("a", "b")}, default="a"),
        "one model set is wanted, this one has 2",
    ),
    "no list of sets": (lambda folder: (folder / "sets.json").unlink(), "no models here"),
    "a model that is none": (lambda f: (f / "baseline-face.tflite").write_bytes(b"none"), "is not the card's"),
    "no golden answers": (lambda f: (f / "baseline-face.outputs.npy").unlink(), "no golden answers that can be read"),
    "golden answers of another model": (
        lambda f: shutil.copy(f / "baseline-speech.inputs.npy", f / "baseline-face.inputs.npy"),
        "golden inputs are not for it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_a_signed_set_that_cannot_serve_here_never_becomes_active(
    baseline: Path, affectd_1: Path, owner: Owner, root: Path, tmp_path: Path, wrong: str
) -> None:
    change, said = WRONG[wrong]
    install(affectd_1, root=root, keys=owner.keys)
    refused(repacked(baseline, tmp_path, change, owner), owner, root, said)


def test_a_file_that_brings_the_runtime_down_does_not_bring_the_set_in(
    affectd_1: Path, owner: Owner, root: Path, tmp_path: Path
) -> None:
    def hollow(folder: Path) -> None:
        content = (folder / "affectd-1-face.tflite").read_bytes()
        broken = content[:200] + bytes(len(content) - 200)
        (folder / "affectd-1-face.tflite").write_bytes(broken)
        edited("affectd-1-face.json", sha256=hashlib.sha256(broken).hexdigest())(folder)

    arguments = ("models", "install", repacked(affectd_1, tmp_path, hollow, owner), "--keys", owner.keys)
    assert affectd(*arguments, environment={"AFFECTD_INSTALLED_MODELS": str(root)}).returncode
    assert active_name(root) == "the package's"


def shifted(by: float) -> Change:
    """A machine on which one number of one answer comes out otherwise."""

    def shift(folder: Path) -> None:
        expected = np.load(folder / "baseline-speech.outputs.npy")
        expected[3, 2] += by
        np.save(folder / "baseline-speech.outputs.npy", expected)

    return shift


def test_a_set_whose_self_test_fails_never_becomes_active(
    baseline: Path, affectd_1: Path, owner: Owner, root: Path, tmp_path: Path
) -> None:
    install(affectd_1, root=root, keys=owner.keys)
    for number, by in enumerate((3 / 256, -1.0, float("nan"))):
        folder = tmp_path / str(number)
        folder.mkdir()
        refused(repacked(baseline, folder, shifted(by), owner), owner, root, "model baseline-speech: on this machine")


def test_two_roundings_are_forgiven(baseline: Path, owner: Owner, root: Path, tmp_path: Path) -> None:
    done = install(repacked(baseline, tmp_path, shifted(2 / 256), owner), root=root, keys=owner.keys)
    assert done.deviation == pytest.approx(2 / 256)


@pytest.mark.parametrize(("by", "said"), [(30 / 256, None), (34 / 256, "32/256 are allowed")])
def test_a_set_that_the_other_runtime_packed_may_differ_by_what_its_kernels_round(
    baseline: Path, owner: Owner, root: Path, tmp_path: Path, by: float, said: str | None
) -> None:
    original, changed = tmp_path / "original", tmp_path / "changed.tar"
    original.mkdir()
    unpack(repacked(baseline, tmp_path, shifted(by), owner), original)
    packed = json.loads((original / "manifest.json").read_text())["packed"]
    edited("manifest.json", packed={**packed, "runtime": "tflite_runtime"})(original)
    sign(original / "manifest.json", owner.key)
    archive.write(original, changed)
    if said:
        refused(changed, owner, root, said)
    else:
        assert install(changed, root=root, keys=owner.keys).deviation == pytest.approx(by, abs=1 / 256)


def test_golden_answers_are_never_unpickled(baseline: Path, owner: Owner, root: Path, tmp_path: Path) -> None:
    def pickled(folder: Path) -> None:
        np.save(folder / "baseline-face.inputs.npy", np.array([print], dtype=object), allow_pickle=True)

    refused(repacked(baseline, tmp_path, pickled, owner), owner, root, "no golden answers that can be read")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"{}",
        b'{"format": "affectd.models/2"}',
        b'{"format": "affectd.models/1", "files": 1}',
    ],
)
def test_a_manifest_that_cannot_be_understood_is_refused(
    baseline: Path, owner: Owner, root: Path, tmp_path: Path, content: bytes
) -> None:
    def written(folder: Path) -> None:
        (folder / "manifest.json").write_bytes(content)
        sign(folder / "manifest.json", owner.key)

    refused(repacked(baseline, tmp_path, written, owner, honest=False), owner, root, "cannot be understood|takes 'aff")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda f: (f / "extra").write_bytes(b""), "a file extra that its manifest does not name"),
        (lambda f: (f / "baseline-face.json").unlink(), "lacks baseline-face.json"),
    ],
)
def test_files_that_the_manifest_does_not_bear_out_are_refused(
    baseline: Path, owner: Owner, root: Path, tmp_path: Path, change: Change, said: str
) -> None:
    refused(repacked(baseline, tmp_path, change, owner, honest=False), owner, root, said)


def truncated(folder: Path) -> None:
    """A model that ends early, with a card that says so: every hash is right."""
    model, card = folder / "affectd-1-face.tflite", folder / "affectd-1-face.json"
    content = model.read_bytes()[: model.stat().st_size // 2]
    model.write_bytes(content)
    card.write_text(json.dumps({**json.loads(card.read_text()), "sha256": hashlib.sha256(content).hexdigest()}))


@pytest.mark.parametrize("command", ["install", "rollback"])
def test_a_signed_set_that_crashes_the_runtime_does_not_crash_the_installer(
    affectd_1: Path, sibling: Path, owner: Owner, root: Path, tmp_path: Path, command: str
) -> None:
    crashing = repacked(affectd_1, tmp_path, truncated, owner)
    if command == "install":
        # What a runtime makes of half a file is not the same each time: it dies of it, or does not come to an end.
        with pytest.raises(ModelError, match=r"crashes what runs models here|gives no answer within"):
            install_by_child(crashing, root=root, keys=owner.keys)
    else:  # it was well when it was installed, say with another runtime
        install_by_child(crashing, root=root, keys=owner.keys, prove=lambda folder: (load_set(folder), 0.0))
        install(sibling, root=root, keys=owner.keys)
        assert roll_back_by_child(root) is None
    assert active_name(root) == "the package's"


def test_what_is_proved_in_a_child_is_what_is_proved_here(sibling: Path, owner: Owner, root: Path) -> None:
    install(sibling, root=root, keys=owner.keys)
    assert proved(root / "active") == try_out(root / "active")


# Machines that fail half-way


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


def test_two_that_install_at_once_do_not_meet(baseline: Path, owner: Owner, root: Path) -> None:
    install(baseline, root=root, keys=owner.keys)
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(AffectdError, match="another `affectd models` is at work"):
            roll_back(root)
    assert roll_back(root) is None


def test_a_place_that_cannot_be_is_named(baseline: Path, owner: Owner, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AffectdError, match=r"file/installed: cannot change the model sets"):
        install(baseline, root=tmp_path / "file" / "installed", keys=owner.keys)


# The service


def test_without_what_judges_it_a_restart_is_refused_before_anything_is_done(
    baseline: Path, owner: Owner, root: Path, tmp_path: Path
) -> None:
    environment = {"AFFECTD_INSTALLED_MODELS": str(root), "PATH": str(tmp_path)}
    done = affectd("models", "install", baseline, "--keys", owner.keys, "--restart", environment=environment)
    assert (done.returncode, done.stderr.count("no affectd-trial.service here")) == (1, 1)
    assert active_name(root) == "the package's"


def test_a_checkout_is_not_installed_into_by_accident(baseline: Path) -> None:
    done = affectd("models", "install", baseline)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "set AFFECTD_INSTALLED_MODELS" in done.stderr


# Packing


def test_packing_states_what_it_made_and_others_can_check_it_by_hand(owner: Owner, tmp_path: Path) -> None:
    detector()
    file = tmp_path / "set.tar"
    done = affectd("models", "pack", "affectd-1", "--key", owner.key, "--out", file)
    assert f"{file}: model set 'affectd-1', {file.stat().st_size} bytes" in done.stdout
    unpack(file, tmp_path)
    by_hand = ["minisign", "-V", "-p", str(owner.keys / "owner.pub"), "-m", str(tmp_path / "manifest.json")]
    assert subprocess.run(by_hand, capture_output=True, timeout=120).returncode == 0


def test_a_set_can_not_be_packed_without_a_key_or_into_a_place_that_is_none(owner: Owner, tmp_path: Path) -> None:
    detector()
    models = load_set(MODELS, "affectd-1")
    with pytest.raises(AffectdError, match="no such key; make one with: minisign -G"):
        pack(models, key=tmp_path / "gone", file=tmp_path / "set.tar")
    with pytest.raises(AffectdError, match="cannot write the model set"):
        pack(models, key=owner.key, file=tmp_path / "gone" / "set.tar")
    assert list(tmp_path.iterdir()) == []
