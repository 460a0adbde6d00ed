"""Model sets: which face and which speech model belong together, and where they lie."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from device.errors import ConfigError, ModelError
from device.models.card import Card, read_card

DETECTOR = "blazeface_short"
"""Every set finds faces with the same net."""


@dataclass(frozen=True, slots=True)
class ModelSet:
    """A face and a speech model by their cards, the rule that fuses them best, and the folder that holds all files."""

    name: str
    rule: str
    face: Card
    speech: Card
    detector: Card
    folder: Path

    @property
    def cards(self) -> tuple[Card, ...]:
        """All three."""
        return self.face, self.speech, self.detector


def models_folder(chosen: str = "") -> Path:
    """The chosen folder, or (running from a checkout) the repository's, or the installed one."""
    if chosen:
        return Path(chosen)
    checkout = Path(__file__).resolve().parents[2] / "models_tflite"
    return checkout if checkout.is_dir() else Path(sys.prefix) / "share" / "affectd" / "models_tflite"


def list_sets(folder: Path) -> tuple[str, ...]:
    """The names of the sets, the default one first. Raises ``ModelError``."""
    index = _index(folder)
    return tuple(sorted(index.sets, key=lambda name: (name != index.default, name)))


def load_set(folder: Path, name: str = "") -> ModelSet:
    """The named set, or the default one. Raises ``ConfigError`` for an unknown name, ``ModelError`` for a bad file."""
    index = _index(folder)
    name = name or index.default
    if name not in index.sets:
        raise ConfigError(
            f"models.set = {name!r}: there is no such model set; known are {', '.join(sorted(index.sets))}"
        )
    chosen = index.sets[name]
    face, speech, detector = (read_card(folder / f"{model}.json") for model in (chosen.face, chosen.speech, DETECTOR))
    return ModelSet(name, chosen.rule, face, speech, detector, folder)


@dataclass(frozen=True, slots=True)
class _Entry:
    face: str
    speech: str
    rule: str


@dataclass(frozen=True, slots=True)
class _Index:
    default: str
    sets: Mapping[str, _Entry]


def _index(folder: Path) -> _Index:
    path = folder / "sets.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        sets = {
            name: _Entry(**{key: str(value) for key, value in entry.items()}) for name, entry in raw["sets"].items()
        }
        return _Index(str(raw["default"]), sets)
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no models here; set models.dir, or install affectd again") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: not a readable list of model sets ({error}); install affectd again") from error
