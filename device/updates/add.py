"""Addition of a net of one's own to a folder of models: the files beside those there, and a set that serves it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from device.errors import AffectdError, ModelError
from device.models.card import Card, read_card
from device.models.sets import ModelSet, load_set
from device.models.sets_file import ID, SETS_FILE, SetEntry, SetsFile, read_sets_file, write_sets_file
from device.readings import Modality
from device.updates.proof import require_usable_models


def add(files: Sequence[Path], *, folder: Path, like: ModelSet, name: str = "", rule: str = "") -> ModelSet:
    """Make a set of these ``.tflite`` files, whose cards stand beside them, the default one of ``folder``.

    A modality that is not among them keeps the net that the folder's set of this name has, else it gets that of
    ``like``, which also gives the detector and, where it is needed, the rule. The folder is made if need be. Raises
    ``AffectdError``; nothing is changed there until the set has been tried, and it is listed last.
    """
    nets = _nets(files)
    name = name or next(iter(nets.values()))[0].id
    if not ID.fullmatch(name):
        raise ModelError(f"a model set can not be called {name!r}; use letters, digits, '.', '_' or '-'")
    present = read_sets_file(folder).sets if (folder / SETS_FILE).exists() else {}
    before = present.get(name)
    models = {**like.models, **_kept(before, folder), **{modality: card for modality, (card, _) in nets.items()}}
    sources = {card.id: source for card, source in nets.values()}
    candidate = ModelSet(name, rule or (before.rule if before else like.rule), models, like.detector, folder)
    _require_free(candidate.cards, folder, {own: entry for own, entry in present.items() if own != name})
    try:
        with tempfile.TemporaryDirectory(prefix="affectd-") as tried_in:
            for card in candidate.cards:
                copy_model(card, sources.get(card.id, folder if _is_in(card, folder) else like.folder), Path(tried_in))
            require_usable_models(replace(candidate, folder=Path(tried_in)))
            folder.mkdir(parents=True, exist_ok=True)
            for card in candidate.cards:
                copy_model(card, Path(tried_in), folder)
        entry = SetEntry(candidate.rule, {modality: card.id for modality, card in models.items()})
        write_sets_file(folder, SetsFile(name, {**present, name: entry}))
    except OSError as error:
        named = error.filename or folder
        raise AffectdError(f"{named}: cannot be copied ({error.strerror}); choose another --dir") from error
    return load_set(folder, name)


def copy_model(card: Card, source: Path, folder: Path) -> None:
    """Copy a net and its card. Raises ``OSError``."""
    for file in (card.file, f"{card.id}.json"):
        shutil.copyfile(source / file, folder / file)


def _nets(files: Sequence[Path]) -> Mapping[Modality, tuple[Card, Path]]:
    """The card of each file and the folder that it lies in, by modality. Raises ``ModelError``."""
    nets: dict[Modality, tuple[Card, Path]] = {}
    for file in files:
        card = read_card(file.with_suffix(".json"))
        if card.kind not in list(Modality):
            raise ModelError(f"{file}: reads no emotion, it is a {card.kind}; name a net for {' or '.join(Modality)}")
        if card.id != file.stem or card.file != file.name:
            raise ModelError(f"{file}: its card calls it {card.id} in {card.file}; give both files that name again")
        if (modality := Modality(card.kind)) in nets:
            raise ModelError(f"{file}: a set has one net for {modality}, and {nets[modality][0].id} is one; name one")
        nets[modality] = card, file.parent
    return nets


def _kept(before: SetEntry | None, folder: Path) -> Mapping[Modality, Card]:
    return {m: read_card(folder / f"{model}.json") for m, model in before.models.items()} if before else {}


def _require_free(cards: Sequence[Card], folder: Path, others: Mapping[str, SetEntry]) -> None:
    """Raise ``ModelError`` where a net would take the place of one of the same name that another set serves."""
    for card in cards:
        users = [name for name, entry in others.items() if card.id in entry.models.values()]
        if users and not _is_in(card, folder):
            raise ModelError(
                f"{folder}: the set {users[0]!r} serves another net called {card.id}; train yours under another --id"
            )


def _is_in(card: Card, folder: Path) -> bool:
    path = folder / f"{card.id}.json"
    return path.exists() and read_card(path).sha256 == card.sha256
