"""From a set of a models folder to a signed file that nodes install: the owner's side."""

from __future__ import annotations

import tempfile
from pathlib import Path

from device.errors import AffectdError
from device.models.sets import ModelSet
from device.models.sets_file import SetEntry, SetsFile, write_sets_file
from device.updates import archive
from device.updates.add import copy_model
from device.updates.golden import write_golden
from device.updates.manifest import write_manifest
from device.updates.proof import require_usable_models, try_out
from device.updates.signature import sign


def pack(models: ModelSet, *, key: Path, file: Path) -> None:
    """Write the set with its golden answers into ``file``, signed with minisign's secret ``key``.

    Raises ``ModelError`` for a set that this version could not serve, ``AffectdError`` if it cannot be signed or
    written.
    """
    require_usable_models(models)
    try:
        with tempfile.TemporaryDirectory(prefix="affectd-") as name:
            folder = Path(name)
            _copy(models, folder)
            write_golden(models, folder)
            manifest = write_manifest(folder)
            try_out(folder)
            sign(manifest, key)
            archive.write(folder, file)
    except OSError as error:
        raise AffectdError(f"{error.filename}: cannot pack the model set ({error.strerror})") from error


def _copy(models: ModelSet, folder: Path) -> None:
    for card in models.cards:
        copy_model(card, models.folder, folder)
    entry = SetEntry(models.rule, {modality: card.id for modality, card in models.models.items()})
    write_sets_file(folder, SetsFile(models.name, {models.name: entry}))
