"""From a file to the set in use, and back: nothing is switched to before everything was tried."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from device.errors import AffectdError
from device.models.sets import ModelSet, load_set
from device.updates import manifest
from device.updates.archive import unpack
from device.updates.installed import InstalledSets
from device.updates.proof import Prove, proved
from device.updates.signature import require_signed


@dataclass(frozen=True, slots=True)
class Installed:
    """Outcome of a switch: the set, whose key signed it, and its largest deviation from the golden answers (0…1)."""

    models: ModelSet
    signed_by: str
    deviation: float


def install(archive: Path, *, root: Path, keys: Path, prove: Prove = proved) -> Installed:
    """Try a model set and make it the active one of ``root``.

    ``prove`` tries it, by itself in a process of its own, so that a set that crashes does no harm.
    Raises ``ModelError`` for a set that is not trusted, not whole or not usable here, ``AffectdError`` if the file
    cannot be read or ``root`` not written. Whatever is raised, what was active stays active.
    """
    sets = InstalledSets(root)
    with sets.changing(), sets.staging() as folder:
        unpack(archive, folder)
        signed_by = require_signed(folder / manifest.MANIFEST_NAME, keys)
        models, deviation = prove(folder)
        _require_new(folder, sets.active(), models.name)
        sets.activate(folder, models.name)
        return Installed(models, signed_by, deviation)


def roll_back(root: Path, *, prove: Prove = proved) -> ModelSet | None:
    """Return to the set before; ``None`` if that is the package's. Raises ``AffectdError`` if there is none before."""
    sets = InstalledSets(root)
    with sets.changing():
        folder = sets.go_back(prove)
        return load_set(folder) if folder else None


def _require_new(folder: Path, active: Path | None, name: str) -> None:
    if active and (active / manifest.MANIFEST_NAME).read_bytes() == (folder / manifest.MANIFEST_NAME).read_bytes():
        raise AffectdError(f"model set {name!r} is active already, just as it is in this file; nothing was changed")
