"""Registry of studies: one row for each, with the command that makes it, and what its figures are of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from device.features.hum import TAKEN_OUT
from device.models.card import Card, read_card, verify_file
from device.models.sets import ModelSet, list_sets, load_set
from device.readings import Modality
from quantize.conversion.serving import SERVING_RULE
from quantize.evaluation.evaluate import Report, Version, version_of
from quantize.files import sha256_of
from quantize.recipes.registry import find_recipe
from quantize.studies import split_leakage
from quantize.studies.better_than import BetterThan
from quantize.studies.fairness import Fairness
from quantize.studies.formats import FormatComparison
from quantize.studies.fusion.study import FusionStudy
from quantize.studies.pooled import fold_nets, left_out_nets
from quantize.studies.prosody import ProsodyStudy
from quantize.studies.robustness import Robustness
from quantize.studies.sensitivity import Sensitivity
from quantize.studies.served import THRESHOLD_RULE, ServedStudy
from quantize.studies.study import Study
from quantize.training.shipped import CROSS_VALIDATION_FOLDER

FOUR = ("angry", "happy", "neutral", "sad")
"""The classes that all speech corpora share."""
_FOREIGN = ("tess", "nemo")
_REFERENCE = "baseline"
"""The set that others have to be better than."""
_CORPORA = {"face": ("fer2013", "ferplus"), "speech": ("ravdess",)}
_FIGURES: Mapping[str, type[Any]] = {
    "scores": Report,
    "better-than": BetterThan,
    "formats": FormatComparison,
    "sensitivity": Sensitivity,
    "robustness": Robustness,
    "fairness": Fairness,
    "prosody": ProsodyStudy,
    "fusion": FusionStudy,
    "split-leakage": split_leakage.SplitLeakage,
    "served": ServedStudy,
}


def studies(models: Path, cross_validation: Path = CROSS_VALIDATION_FOLDER) -> tuple[Study, ...]:
    """All studies of the sets in ``models``. Raises ``ModelError`` if a file is not its card's."""
    found: list[Study] = []
    for name in list_sets(models):
        chosen = load_set(models, name)
        for card in chosen.models.values():
            found += _of_model(card, models, cross_validation)
        found.append(_fusion(chosen, models, cross_validation))
    default = load_set(models)
    found += [
        *_better_than(default, models),
        *_of_cross_validation(cross_validation),
        *_prosody(default, models, cross_validation),
    ]
    found.append(_split_leakage(default))
    return tuple({study.name: study for study in found}.values())


def _study(
    kind: str, about: str, arguments: Sequence[str], made_of: Any, *, is_of_sound: bool = True, name: str = ""
) -> Study:
    sound = TAKEN_OUT if is_of_sound else ""
    return Study(name or f"{kind}-{about}", kind, about, tuple(arguments), made_of, _FIGURES[kind], sound)


def _of_model(card: Card, models: Path, cross_validation: Path) -> Iterator[Study]:
    path, own, is_of_sound, model = verify_file(card, models), version_of(card), card.kind == "speech", card.id
    for corpus in _CORPORA[card.kind]:
        yield _scores(model, path, corpus, own, is_of_sound=is_of_sound)
    if card.about["training_data"] == "ravdess":
        for corpus in _FOREIGN:
            yield _scores(model, path, corpus, own, FOUR)
    for kind in ("formats", "sensitivity"):
        yield _study(kind, model, (kind, model), (own,), is_of_sound=is_of_sound)
    files, nets = _files(card, path, cross_validation)
    for kind in ("robustness", "fairness") if is_of_sound else ("robustness",):
        yield _study(kind, model, (kind, *files), nets, is_of_sound=is_of_sound)
    if len(card.answers) > 1:
        rules = (card.sha256, SERVING_RULE, THRESHOLD_RULE)
        yield _study("served", model, ("served", model, "--models", str(models)), rules, is_of_sound=False)


def _scores(
    model: str, path: Path, corpus: str, own: Version, classes: tuple[str, ...] = (), *, is_of_sound: bool = True
) -> Study:
    only = ("--classes", *classes) if classes else ()
    arguments = ("evaluate", "--model", str(path), "--dataset", corpus, *only)
    return _study("scores", model, arguments, (own,), is_of_sound=is_of_sound, name=f"scores-{model}-{corpus}")


def _files(card: Card, path: Path, cross_validation: Path) -> tuple[tuple[str, ...], tuple[Version, ...]]:
    """Arguments and versions of the file or, if they are there, of five fold nets on everybody's clips."""
    folds = fold_nets(path, cross_validation)
    if not folds:
        return ("--model", str(path)), (version_of(card),)
    pairs = [("--model", str(own), "--dataset", f"ravdess-f{fold}") for fold, own in enumerate(folds)]
    return tuple(argument for pair in pairs for argument in pair), tuple(map(_version, folds))


def _fusion(chosen: ModelSet, models: Path, cross_validation: Path) -> Study:
    nets = fold_nets(models / chosen.card(Modality.SPEECH).file, cross_validation)
    folds = ("--speech-folds", str(cross_validation)) if nets else ()
    own = (*map(version_of, chosen.models.values()), *(sha256_of(path) for path in nets))
    return _study("fusion", chosen.name, ("fusion", "--set", chosen.name, "--models", str(models), *folds), own)


def _better_than(default: ModelSet, models: Path) -> Iterator[Study]:
    """The default set's files against the published ones on the same samples."""
    reference = load_set(models, _REFERENCE) if _REFERENCE in list_sets(models) else default
    for modality, own in default.models.items():
        other = reference.card(modality)
        for corpus in _CORPORA[own.kind] if own.id != other.id else ():
            files = ("--model", str(models / own.file), "--than", str(models / other.file))
            both, is_of_sound = (version_of(own), version_of(other)), own.kind == "speech"
            name, arguments = f"better-than-{own.id}-{corpus}", ("better-than", *files, "--dataset", corpus)
            yield _study("better-than", own.id, arguments, both, is_of_sound=is_of_sound, name=name)


def _of_cross_validation(cross_validation: Path) -> Iterator[Study]:
    for path in sorted(cross_validation.glob("*.tflite")):
        model, _, fold = path.stem.rpartition("-f")
        if model and fold.isdigit():
            yield _scores(path.stem, path, f"ravdess-f{fold}", _version(path))
        elif "-without-" in path.stem:
            yield _scores(path.stem, path, path.stem.rpartition("-without-")[2], _version(path), FOUR)


def _prosody(default: ModelSet, models: Path, cross_validation: Path) -> Iterator[Study]:
    card, path = default.card(Modality.SPEECH), models / default.card(Modality.SPEECH).file
    files = {name: sha256_of(own) for name, own in left_out_nets(path, cross_validation).items()}
    if files:
        yield _study(
            "prosody", card.id, ("prosody", "--model", str(path), "--cross-validation", str(cross_validation)), files
        )


def _split_leakage(default: ModelSet) -> Study:
    recipe = find_recipe(default.card(Modality.SPEECH).id)
    trained = split_leakage.made_of(recipe, recipe.epochs)
    return _study("split-leakage", recipe.id, ("split-leakage", recipe.id), trained, name="split-leakage")


def _version(path: Path) -> Version:
    """Of a file as it is, whatever hash its card has."""
    return replace(version_of(read_card(path.with_suffix(".json"))), sha256=sha256_of(path))
