"""``sets.json``: which nets of a folder belong together. One object with ``default`` and ``sets``, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.errors import ModelError
from device.files import replace_durably
from device.readings import Modality

SETS_FILE = "sets.json"
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What a set or a net may be called: it is a file's name too."""


@dataclass(frozen=True, slots=True)
class SetEntry:
    """One set: the id of its net for each modality that it reads, and the rule that fuses them."""

    rule: str
    models: Mapping[Modality, str]


@dataclass(frozen=True, slots=True)
class SetsFile:
    """The sets of a folder by name, and which of them serves where none is named."""

    default: str
    sets: Mapping[str, SetEntry]


def read_sets_file(folder: Path) -> SetsFile:
    """What the folder's ``sets.json`` says. Raises ``ModelError`` that names the entry that is wrong."""
    path = folder / SETS_FILE
    try:
        return _sets_file(json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_object))
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no models here; set models.dir, or install affectd again") from error
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path}: not a readable list of model sets ({error}); mend it, or install it again"
        ) from error


def write_sets_file(folder: Path, content: SetsFile) -> None:
    """Put it in the folder, whole or not at all. Raises ``OSError``."""
    sets = {
        name: {**{str(modality): model for modality, model in entry.models.items()}, "rule": entry.rule}
        for name, entry in content.sets.items()
    }
    text = json.dumps({"default": content.default, "sets": sets}, indent=1) + "\n"
    replace_durably(folder / SETS_FILE, text.encode())


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are its own: of two that are alike JSON would keep the last and say nothing."""
    names = [name for name, _ in pairs]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{twice[0]!r} is there twice")
    return dict(pairs)


def _sets_file(raw: Any) -> SetsFile:
    _require_keys(raw, "the whole", needed={"default", "sets"}, allowed={"default", "sets"})
    sets = raw["sets"]
    if not isinstance(sets, dict) or not sets:
        raise ValueError("sets: an object with one set at least is needed")
    if raw["default"] not in list(sets):  # a list: whatever stands there need not be hashable
        raise ValueError(f"default: {raw['default']!r} is none of the sets {', '.join(map(repr, sets))}")
    return SetsFile(raw["default"], {name: _entry(name, entry) for name, entry in sets.items()})


def _entry(name: str, raw: Any) -> SetEntry:
    where = f"sets: {name!r}"
    if not ID.fullmatch(name):
        raise ValueError(f"{where} is no name; use letters, digits, '.', '_' or '-'")
    modalities = {str(modality): modality for modality in Modality}
    _require_keys(raw, where, needed={"rule"}, allowed={"rule", *modalities})
    for key, value in raw.items():
        if not isinstance(value, str) or not ID.fullmatch(value):
            raise ValueError(f"{where}: {key} is {value!r}, where the {'rule' if key == 'rule' else 'net'}'s name is")
    models = {modality: raw[key] for key, modality in modalities.items() if key in raw}
    if not models:
        raise ValueError(f"{where} names no net; give one for {' or '.join(modalities)}")
    return SetEntry(raw["rule"], models)


def _require_keys(raw: Any, where: str, *, needed: set[str], allowed: set[str]) -> None:
    if not isinstance(raw, dict):
        raise ValueError(f"{where} is a {type(raw).__name__}, where an object is needed")
    if missing := sorted(needed - raw.keys()):
        raise ValueError(f"{where} lacks {missing[0]!r}")
    if unknown := sorted(raw.keys() - allowed):
        raise ValueError(f"{where}: unknown entry {unknown[0]!r}; known are {', '.join(sorted(allowed))}")
