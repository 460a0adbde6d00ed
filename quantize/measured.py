"""What is measured of the models, by which command, where its figures are kept, and whether they are of these files."""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from device.errors import AffectdError
from device.features.hum import TAKEN_OUT
from device.models.card import Card, read_card, verify_file
from device.models.sets import ModelSet, list_sets, load_set
from quantize import certainty, checkpoints
from quantize.checkpoints import STATE, Training, write_beside
from quantize.commands.options import WITNESSES
from quantize.datasets.ravdess import FOLDS, TEST_FOLD
from quantize.kept_nets import RUNS, folder_of
from quantize.made_of import Json, made_of, version
from quantize.protocol import made_of as made_of_recipe
from quantize.recipe import Recipe
from quantize.recipes import find_recipe
from quantize.serving import RULE

MEASURED = Path("docs/measured")
FOUR = ("angry", "happy", "neutral", "sad")
"""The classes that all speech corpora share."""
_FOREIGN = ("tess", "nemo")
_REFERENCE = "baseline"
"""The set that others have to be better than."""
_CORPORA = {"face": ("fer2013", "ferplus"), "speech": ("ravdess",)}


class State(StrEnum):
    """Whether a study's figures are there, and of the files as they are now.

    ``KEPT`` are figures of these files in a report that was to measure them again and could not.
    """

    CURRENT = "up to date"
    OLD = "measured on an older file, or of sound heard otherwise"
    MISSING = "not measured yet"
    KEPT = "could not be measured again"


@dataclass(frozen=True, slots=True)
class Histories:
    """The trainings that a net went through, its own one last."""

    trainings: tuple[Training, ...]


@dataclass(frozen=True, slots=True)
class Study:
    """One study: ``name`` is its file's, ``kind`` the part of the report that shows it.

    ``arguments`` are those of ``python -m quantize``, but for ``--root`` and ``--json``. ``made_of`` is what figures
    of what is there now say that they are of (``quantize.made_of``): files by their sha256, with what is served of
    them, or a recipe. ``sound`` is how voices are heard now, empty where the figures are of no voices.
    """

    name: str
    kind: str
    about: str
    arguments: tuple[str, ...]
    made_of: Any
    sound: str = ""

    def __post_init__(self) -> None:
        if not self.made_of:
            raise ValueError(f"study {self.name}: nothing says of what its figures are, so any would do")

    @property
    def command(self) -> str:
        """What to type."""
        asked = " ".join(("python -m quantize", *self.arguments, "--root DATA"))
        return asked if self.kind == "training" else f"{asked} --json {MEASURED}/{self.name}.json"

    def state(self, folder: Path) -> State:
        """Whether the figures in ``folder`` are up to date."""
        try:
            figures = json.loads((folder / f"{self.name}.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return State.MISSING
        except ValueError:  # half a file; whoever wants its figures is told
            return State.OLD
        is_of_these = made_of(self.kind, figures) == self.made_of
        return State.CURRENT if is_of_these and (not self.sound or figures.get("sound") == self.sound) else State.OLD

    def figures(self, folder: Path) -> Json:
        """What was measured. Raises ``AffectdError`` if the file is not JSON."""
        path = folder / f"{self.name}.json"
        try:
            found: Json = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise AffectdError(f"{path}: no figures can be read there ({error}); run `{self.command}`") from error
        return found

    def measure(self, root: Path, folder: Path) -> None:
        """Run the command. Raises ``AffectdError``, also if it measured another file than the one that ships."""
        self._write(root, folder)
        if self.state(folder) is not State.CURRENT:
            raise AffectdError(
                f"measured, but on another file than the one that ships: see whether {RUNS}/{self.about} holds another "
                "net; if not, the file was converted by another version, or on another kind of machine"
            )

    def _write(self, root: Path, folder: Path) -> None:
        path = folder / f"{self.name}.json"
        folder.mkdir(parents=True, exist_ok=True)
        if self.kind == "training":
            _keep_trainings(find_recipe(self.about), path)
            return
        parser = argparse.ArgumentParser()
        importlib.import_module(f"quantize.commands.{self.arguments[0]}").add_to(parser.add_subparsers())
        options = parser.parse_args([*self.arguments, "--root", str(root), "--json", str(path)])
        options.command(options)


def _keep_trainings(recipe: Recipe, path: Path) -> None:
    """Copy the histories of all trainings that led to a net, which only these themselves make."""
    histories = Histories(tuple(checkpoints.require_state(folder_of(each, STATE)) for each in recipe.lineage))
    write_beside(path, json.dumps(asdict(histories), indent=1).encode())


def studies(models: Path, witnesses: Path = WITNESSES) -> tuple[Study, ...]:
    """All studies of the sets in ``models``. Raises ``ModelError`` if a file is not its card's."""
    found: list[Study] = []
    for name in list_sets(models):
        chosen = load_set(models, name)
        for card in (chosen.face, chosen.speech):
            found += _of_model(card, models, witnesses)
        found.append(_fusion(chosen, models, witnesses))
    found += _against(models)
    found += _of_witnesses(witnesses)
    found += _of_prosody(load_set(models), models, witnesses)
    found.append(_protocol(load_set(models)))
    return tuple({study.name: study for study in found}.values())


def _of_model(card: Card, models: Path, witnesses: Path) -> Iterator[Study]:
    file, own, sound = str(verify_file(card, models)), [version(card)], _sound(card)
    for corpus in _CORPORA[card.kind]:
        yield _scores(card.id, file, corpus, own, sound)
    if card.about["training_data"] == "ravdess":
        for corpus in _FOREIGN:
            yield _scores(card.id, file, corpus, own, sound, FOUR)
    yield Study(f"training-{card.id}", "training", card.id, ("train", card.id), card.about["chosen_epoch"])
    yield Study(f"formats-{card.id}", "formats", card.id, ("compare", card.id), own, sound)
    yield Study(f"layers-{card.id}", "layers", card.id, ("layers", card.id), own, sound)
    asked, nets = _best_asked(card, file, witnesses)
    yield Study(f"robustness-{card.id}", "robustness", card.id, ("robustness", *asked), nets, sound)
    if card.kind == "speech":
        yield Study(f"fairness-{card.id}", "fairness", card.id, ("fairness", *asked), nets, sound)
    if len(card.answers) > 1:
        rules = {"sha256": card.sha256, "rules": [RULE, certainty.RULE]}
        yield Study(f"served-{card.id}", "served", card.id, ("served", card.id, "--models", str(models)), rules)


def _sound(card: Card) -> str:
    """What of the sound a speech net is given, as ``Study`` tells it."""
    return TAKEN_OUT if card.kind == "speech" else ""


def _scores(
    model: str, file: str, corpus: str, made_of: list[Json], sound: str, classes: tuple[str, ...] = ()
) -> Study:
    only = ("--classes", *classes) if classes else ()
    arguments = ("evaluate", "--model", file, "--dataset", corpus, *only)
    return Study(f"scores-{model}-{corpus}", "scores", model, arguments, made_of, sound)


def _best_asked(card: Card, file: str, witnesses: Path) -> tuple[tuple[str, ...], list[Json]]:
    """The file, or its five fold nets on everybody's clips, as arguments; and their versions."""
    nets = fold_nets(Path(file), witnesses)
    if not nets:
        return ("--model", file), [version(card)]
    pairs = [("--model", str(path), "--dataset", f"ravdess-f{fold}") for fold, path in enumerate(nets)]
    return tuple(argument for pair in pairs for argument in pair), [_version(path) for path in nets]


def fold_nets(shipped: Path, witnesses: Path) -> list[Path]:
    """For each fold of RAVDESS a net that never met it, the shipped one for its own; none if one is not there."""
    others = [witnesses / f"{shipped.stem}-f{fold}.tflite" for fold in range(len(FOLDS))]
    paths = [shipped if fold == TEST_FOLD else path for fold, path in enumerate(others)]
    return paths if all(path.exists() for path in paths) else []


def voice_nets(shipped: Path, witnesses: Path) -> dict[str, Path]:
    """``fold_nets``, ``f0`` to ``f4``, and those without a corpus, by its name; none if one is not there."""
    folds = {f"f{fold}": path for fold, path in enumerate(fold_nets(shipped, witnesses))}
    others = {name: witnesses / f"{shipped.stem}-without-{name}.tflite" for name in _FOREIGN}
    return {**folds, **others} if folds and all(path.exists() for path in others.values()) else {}


def _fusion(chosen: ModelSet, models: Path, witnesses: Path) -> Study:
    nets = fold_nets(models / chosen.speech.file, witnesses)
    heard = ("--speech-folds", str(witnesses)) if nets else ()
    asked = [version(chosen.face), version(chosen.speech), *(_sha256(path) for path in nets)]
    arguments = ("fusion", "--set", chosen.name, "--models", str(models), *heard)
    return Study(f"fusion-{chosen.name}", "fusion", chosen.name, arguments, asked, TAKEN_OUT)


def _against(models: Path) -> Iterator[Study]:
    """The default set's files against the published ones on the same samples."""
    default = load_set(models)
    reference = load_set(models, _REFERENCE) if _REFERENCE in list_sets(models) else default
    for own, other in ((default.face, reference.face), (default.speech, reference.speech)):
        for corpus in _CORPORA[own.kind] if own.id != other.id else ():
            files = ("--model", str(models / own.file), "--than", str(models / other.file))
            arguments, both = ("against", *files, "--dataset", corpus), [version(own), version(other)]
            yield Study(f"against-{own.id}-{corpus}", "against", own.id, arguments, both, _sound(own))


def _of_witnesses(witnesses: Path) -> Iterator[Study]:
    for path in sorted(witnesses.glob("*.tflite")):
        model, _, fold = path.stem.rpartition("-f")
        if model and fold.isdigit():
            yield _scores(path.stem, str(path), f"ravdess-f{fold}", [_version(path)], TAKEN_OUT)
        elif "-without-" in path.stem:
            corpus = path.stem.rpartition("-without-")[2]
            yield _scores(path.stem, str(path), corpus, [_version(path)], TAKEN_OUT, FOUR)


def _of_prosody(default: ModelSet, models: Path, witnesses: Path) -> Iterator[Study]:
    card = default.speech
    nets = voice_nets(models / card.file, witnesses)
    if nets:
        arguments = ("prosody", "--model", str(models / card.file), "--witnesses", str(witnesses))
        files = {name: _sha256(path) for name, path in nets.items()}
        yield Study(f"prosody-{card.id}", "prosody", card.id, arguments, files, TAKEN_OUT)


def _protocol(default: ModelSet) -> Study:
    recipe = find_recipe(default.speech.id)
    trained = {**asdict(made_of_recipe(recipe)), "epochs": recipe.epochs}
    return Study("protocol", "protocol", recipe.id, ("protocol", recipe.id), trained, TAKEN_OUT)


def _version(path: Path) -> Json:
    """Of a file as it is, whatever hash its card has."""
    return {**version(read_card(path.with_suffix(".json"))), "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
