"""Packed sets of models, whole and changed, and what an install makes of them."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from perception import MODELS, detector

from device.errors import ModelError
from device.models.sets import load_set
from device.updates import archive
from device.updates.archive import unpack
from device.updates.install import install as install_by_child
from device.updates.install import roll_back as roll_back_by_child
from device.updates.manifest import write_manifest
from device.updates.pack import pack
from device.updates.proof import try_out
from device.updates.signature import sign

install, roll_back = partial(install_by_child, prove=try_out), partial(roll_back_by_child, prove=try_out)
"""Here, which takes a tenth of the time; the command line's tests do it as it is done."""

Change = Callable[[Path], object]


@dataclass(frozen=True, slots=True)
class Owner:
    """Who packs sets: a secret key, and a folder with the public one."""

    key: Path
    keys: Path


def make_owner(folder: Path) -> Owner:
    if shutil.which("minisign") is None:
        pytest.skip("no minisign; install it with: apt install minisign")
    (folder / "keys").mkdir()
    key, public = folder / "owner.key", folder / "keys" / "owner.pub"
    subprocess.run(["minisign", "-G", "-W", "-s", key, "-p", public], check=True, capture_output=True, timeout=120)
    return Owner(key, folder / "keys")


def packed(name: str, owner: Owner, folder: Path) -> Path:
    detector()  # or skip: its file is not in the repository
    pack(load_set(MODELS, name), key=owner.key, file=folder / f"{name}.models.tar")
    return folder / f"{name}.models.tar"


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


def flipped(name: str) -> Change:
    def flip(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)

    return flip


def refused(file: Path, owner: Owner, root: Path, said: str) -> None:
    """In one line, and what was active stays so."""
    before = active_name(root)
    with pytest.raises(ModelError, match=said) as caught:
        install(file, root=root, keys=owner.keys)
    assert "\n" not in str(caught.value)
    assert active_name(root) == before
    assert not list(root.glob(".staging-*"))
