"""From a file to the set in use, and back: nothing is switched to before everything was tried."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from device.errors import AffectdError, ModelError
from device.fusion.rules import RULES
from device.models.detect import FaceDetector
from device.models.face_emotion import FaceRecogniser
from device.models.sets import ModelSet, list_sets, load_set
from device.models.speech_emotion import SpeechRecogniser
from device.models.tflite import TfliteModel
from device.updates import manifest
from device.updates.archive import NAME, unpack
from device.updates.golden import require_golden
from device.updates.installed import InstalledSets
from device.updates.signature import require_signed


@dataclass(frozen=True, slots=True)
class Installed:
    """What was switched to: the set, whose key signed it, and its largest deviation from the golden answers (0…1)."""

    models: ModelSet
    signed_by: str
    deviation: float


def install(archive: Path, *, root: Path, keys: Path) -> Installed:
    """Try a model set and make it the active one of ``root``.

    Raises ``ModelError`` for a set that is not trusted, not whole or not usable here, ``AffectdError`` if the file
    cannot be read or ``root`` not written. Whatever is raised, what was active stays active.
    """
    sets = InstalledSets(root)
    with sets.changing(), sets.staging() as folder:
        unpack(archive, folder)
        signed_by = require_signed(folder / manifest.NAME, keys)
        models, deviation = try_out(folder)
        _require_new(folder, sets.active(), models.name)
        sets.activate(folder, models.name)
        return Installed(models, signed_by, deviation)


def roll_back(root: Path) -> ModelSet | None:
    """Return to the set before; ``None`` if that is the package's. Raises ``AffectdError`` if there is none before."""
    sets = InstalledSets(root)
    with sets.changing():
        folder = sets.go_back(try_out)
        return load_set(folder) if folder else None


def try_out(folder: Path) -> tuple[ModelSet, float]:
    """The one set of a folder, once it has proved whole and usable on this machine, and its largest deviation.

    Raises ``ModelError``.
    """
    described = manifest.require_whole(folder)
    models = _only_set(folder)
    for card in models.cards:
        if card.file not in described.files:
            raise ModelError(f"model {card.id}: its file {card.file!r} is not part of the set; pack it again")
    require_usable(models)
    return models, require_golden(models)


def require_usable(models: ModelSet) -> None:
    """Raise ``ModelError`` unless this version of affectd can serve the set: files, features, labels, rule."""
    FaceRecogniser(FaceDetector(TfliteModel(models.detector, models.folder)), TfliteModel(models.face, models.folder))
    SpeechRecogniser(TfliteModel(models.speech, models.folder))
    if models.rule not in RULES:
        raise ModelError(f"model set {models.name!r}: this version of affectd has no fusion rule {models.rule!r}")


def _only_set(folder: Path) -> ModelSet:
    names = list_sets(folder)
    if len(names) != 1:
        raise ModelError(f"a file of one model set is wanted, this one has {len(names)}; pack it again")
    if not NAME.fullmatch(names[0]):  # it becomes part of a folder's name
        raise ModelError(f"model set {names[0]!r} is no name; use letters, digits, '.', '_' or '-', and pack it again")
    return load_set(folder)


def _require_new(folder: Path, active: Path | None, name: str) -> None:
    if active and (active / manifest.NAME).read_bytes() == (folder / manifest.NAME).read_bytes():
        raise AffectdError(f"model set {name!r} is active already, just as it is in this file; nothing was changed")
