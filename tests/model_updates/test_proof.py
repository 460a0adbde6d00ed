"""Proof of a model set before it serves."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from appliance import affectd
from packed_sets import Change, Owner, active_name, edited, install, refused, repacked

from device.errors import ModelError
from device.models.sets import load_set
from device.updates import archive
from device.updates.archive import unpack
from device.updates.install import install as install_by_child
from device.updates.install import roll_back as roll_back_by_child
from device.updates.proof import proved, try_out
from device.updates.signature import sign

pytestmark = pytest.mark.slow

WRONG: dict[str, tuple[Change, str]] = {
    "other features": (edited("baseline-face.json", features="face48/0"), "features is 'face48/0'"),
    "other features of sound": (edited("baseline-speech.json", features="mfcc/0"), "features is 'mfcc/0'"),
    "another order of labels": (
        edited("baseline-face.json", labels=["sad", "angry", "disgust", "fear", "happy", "neutral", "surprise"]),
        "labels is",
    ),
    "another job": (edited("baseline-face.json", kind="speech"), "which is a net for speech; name one for face"),
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
        "gone.json is not there",
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
