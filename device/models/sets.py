"""Model sets: which models belong together, one a modality, and where they lie."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from device.errors import ConfigError, ModelError
from device.models.card import Card, read_card
from device.models.sets_file import SETS_FILE, read_sets_file
from device.readings import Modality

DETECTOR = "blazeface_short"
"""Every set finds faces with the same net."""


@dataclass(frozen=True, slots=True)
class ModelSet:
    """One model a modality by their cards, the rule that fuses them best, and the folder that holds all files."""

    name: str
    rule: str
    models: Mapping[Modality, Card]
    detector: Card
    folder: Path

    def card(self, modality: Modality) -> Card:
        """Of the modality's model. Raises ``ModelError`` if the set has none."""
        if modality not in self.models:
            raise ModelError(f"model set {self.name!r}: it has no model for {modality}; set node.mode or models.set")
        return self.models[modality]

    @property
    def cards(self) -> tuple[Card, ...]:
        """All, the emotion models first."""
        return *self.models.values(), self.detector


ACTIVE = "active"
"""The link, in ``updates_folder()``, to the set that `affectd models install` switched to."""

PREVIOUS = "previous"
"""The link, in an installed set, to the one that was active before it."""

_CHECKOUT = Path(__file__).resolve().parents[2] / "models_tflite"


def models_folder(chosen: str = "", name: str = "") -> Path:
    """The chosen folder; or the installed set's, unless ``name`` is another one's; or the package's."""
    if chosen:
        return Path(chosen)
    active = active_folder()
    return active if active and (not name or _may_hold(active, name)) else package_folder()


def _may_hold(folder: Path, name: str) -> bool:
    try:
        return name in list_sets(folder)
    except ModelError:  # for whoever loads it to say
        return True


def package_folder() -> Path:
    """The models that came with affectd: in a checkout the repository's."""
    return _CHECKOUT if _CHECKOUT.is_dir() else Path(sys.prefix) / "share" / "affectd" / "models_tflite"


def updates_folder() -> Path | None:
    """Where installed sets are kept. ``None``: a checkout has none unless ``AFFECTD_INSTALLED_MODELS`` names a folder.

    It is root's, not in the state folder: the service cannot change what it runs, nor lead root's commands astray.
    """
    if chosen := os.environ.get("AFFECTD_INSTALLED_MODELS"):
        return Path(chosen)
    return None if _CHECKOUT.is_dir() else Path("/var/lib/affectd-models")


def active_folder() -> Path | None:
    """The installed set that is active, if there is one that this user may see."""
    root = updates_folder()
    try:
        return (root / ACTIVE).resolve(strict=True) if root else None
    except OSError:
        return None


def folders_before(folder: Path) -> Iterator[Path]:
    """The installed sets that were active before this one, the newest first."""
    while (found := folder / PREVIOUS).is_dir():
        folder = found.resolve()
        yield folder


def stand_ins(folder: Path) -> tuple[Path, ...]:
    """What may serve in the place of a folder that is damaged: for the active set those before it, and the package's.

    For any other folder none, since somebody chose it.
    """
    return (*folders_before(folder), package_folder()) if folder == active_folder() else ()


def list_sets(folder: Path) -> tuple[str, ...]:
    """The names of the sets, the default one first. Raises ``ModelError``."""
    index = read_sets_file(folder)
    return tuple(sorted(index.sets, key=lambda name: (name != index.default, name)))


def load_set(folder: Path, name: str = "") -> ModelSet:
    """The named set, or the default one. Raises ``ConfigError`` for an unknown name, ``ModelError`` for a bad file."""
    index = read_sets_file(folder)
    name = name or index.default
    if name not in index.sets:
        raise ConfigError(
            f"models.set = {name!r}: there is no such model set; known are {', '.join(sorted(index.sets))}"
        )
    chosen = index.sets[name]
    models = {modality: _card(folder, name, modality, model) for modality, model in chosen.models.items()}
    return ModelSet(name, chosen.rule, models, read_card(folder / f"{DETECTOR}.json"), folder)


def _card(folder: Path, name: str, modality: Modality, model: str) -> Card:
    """Of a set's net. Raises ``ModelError`` where it is not there, or reads another modality than the set says."""
    path, entry = folder / f"{model}.json", f"{folder / SETS_FILE}: sets: {name!r}: {modality} is {model!r}"
    if not path.exists():
        raise ModelError(f"{entry}, and {path.name} is not there; copy it and its .tflite there, or mend the entry")
    card = read_card(path)
    if card.kind != modality:
        raise ModelError(f"{entry}, which is a net for {card.kind}; name one for {modality}, or mend the entry")
    return card
