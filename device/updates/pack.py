"""From a set of a models folder to a signed file that nodes install: the owner's side."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from device.errors import AffectdError
from device.models.sets import ModelSet
from device.updates import archive
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
        shutil.copyfile(models.folder / f"{card.id}.json", folder / f"{card.id}.json")
        shutil.copyfile(models.folder / card.file, folder / card.file)
    entry = {**{str(modality): card.id for modality, card in models.models.items()}, "rule": models.rule}
    index = {"default": models.name, "sets": {models.name: entry}}
    (folder / "sets.json").write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
