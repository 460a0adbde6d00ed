"""Manifest of a model set, the one file that is signed: it names every other file by its hash."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from device.errors import ModelError
from device.models.runtime import runtime_name
from device.updates.signature import SIGNATURE_SUFFIX

MANIFEST_NAME = "manifest.json"
FORMAT = "affectd.models/1"

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Packed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When and with what the set was packed: its golden answers are those of that runtime."""

    at: str
    affectd: str
    runtime: str

    def __post_init__(self) -> None:
        # Older manifests hold the name as Python imports it.
        msgspec.structs.force_setattr(self, "runtime", self.runtime.replace("_", "-"))


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``files`` are all of the set's but the manifest and its signature, by their sha256."""

    format: str
    packed: Packed
    files: dict[str, Sha256]


def read_manifest(folder: Path) -> Manifest:
    """The folder's manifest. Raises ``ModelError``."""
    try:
        content = (folder / MANIFEST_NAME).read_bytes()
        given = msgspec.json.decode(content).get("format")
        if given != FORMAT:
            raise ModelError(f"the model set is of the kind {given!r}, this version of affectd takes {FORMAT!r}")
        return msgspec.json.decode(content, type=Manifest)
    except FileNotFoundError as error:
        raise ModelError(f"not a model set: it has no {MANIFEST_NAME}; was the download cut off?") from error
    except (OSError, AttributeError, ValueError, msgspec.MsgspecError) as error:
        raise ModelError(f"the model set's {MANIFEST_NAME} cannot be understood ({error}); pack it again") from error


def require_whole(folder: Path) -> Manifest:
    """The manifest, once the folder's files are exactly those it names. Raises ``ModelError``."""
    manifest = read_manifest(folder)
    found = {path.name for path in folder.iterdir() if path.is_file()} - {
        MANIFEST_NAME,
        MANIFEST_NAME + SIGNATURE_SUFFIX,
    }
    if lacking := sorted(set(manifest.files) - found):
        raise ModelError(f"the model set lacks {lacking[0]}; copy or download it again")
    if extra := sorted(found - set(manifest.files)):
        raise ModelError(f"the model set has a file {extra[0]} that its manifest does not name; pack it again")
    for name, digest in manifest.files.items():
        if _sha256(folder / name) != digest:
            raise ModelError(f"{name} in the model set is not the one that was packed (sha256); get the set again")
    return manifest


def write_manifest(folder: Path) -> Path:
    """Describe what lies in the folder."""
    files = {path.name: _sha256(path) for path in sorted(folder.iterdir())}
    packed = Packed(datetime.now(UTC).isoformat(timespec="seconds"), version("affectd"), runtime_name())
    path = folder / MANIFEST_NAME
    path.write_bytes(msgspec.json.format(msgspec.json.encode(Manifest(FORMAT, packed, files)), indent=1) + b"\n")
    return path


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
