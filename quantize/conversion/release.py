"""Release of a net: the int8 file, scored beside its own float form, and its card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from device.models.card import Card, Served, read_card
from device.models.tflite import TfliteModel
from quantize.conversion import calibration, convert, serving
from quantize.conversion.cards import described, first_head, write_card
from quantize.conversion.serving import Choice
from quantize.datasets import Dataset, Split
from quantize.evaluation.evaluate import Report, evaluate
from quantize.files import write_file
from quantize.training import checkpoints
from quantize.training.checkpoints import Training
from quantize.training.recipe import Recipe

Reports = Mapping[str, Mapping[str, Report]]
"""Of ``float32`` and ``int8``, by the name of the corpus."""

_IDENTIFIES_THE_NET = ("recipe", "seed", "chosen_epoch")
"""The losses of the chosen epoch are as good as a hash of the net."""


@dataclass(frozen=True, slots=True)
class _Files:
    """The two forms of one net."""

    float32: Path
    int8: Path


def release(
    recipe: Recipe, load: Callable[[Dataset], Split], *, trained: Path, run: Path, calibration_path: Path, folder: Path
) -> Reports:
    """Convert a trained net, score float and int8 on the recipe's test parts, write file and card into ``folder``.

    ``load`` gives the corpora. Where the recipe says so, what is served is chosen on validation parts first; a
    temperature that ``calibrate`` fitted for this very net stays. The net of ``trained`` is only read. All is made in
    ``run``, which may be the same folder and where the float file and its card stay; ``folder`` gets the int8 file once
    it is scored. Raises ``AffectdError``.
    """
    training, split = checkpoints.require_state(trained), load(recipe.dataset)
    model = checkpoints.load_net(trained)
    run.mkdir(parents=True, exist_ok=True)
    files = _Files(run / f"{recipe.id}-float32.tflite", run / f"{recipe.id}.tflite")
    convert.to_float(model, files.float32)
    inputs = calibration.inputs(recipe, calibration_path, split.train)
    convert.to_int8(model, inputs, files.int8, beyond=recipe.calibration_tail)
    about = _about(recipe, split, training, parameters=int(model.count_params()), calibrated_on=len(inputs))
    choice = _chosen(recipe, load, split, files) if recipe.fits_temperature else None
    before = None if choice else calibrated_before(folder / f"{recipe.id}.json", about)
    served = choice.served if choice else before.served if before else first_head(recipe)
    reports = scored(recipe, load, served, float32=files.float32, int8=files.int8)
    about |= about_scores(choice, reports) | (with_calibration(about, before) if before else {})
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / files.int8.name, files.int8.read_bytes())
    write_card(described(recipe, folder / files.int8.name, served, about), folder)
    return reports


def calibrated_before(path: Path, about: Mapping[str, Any]) -> Card | None:
    """The card at ``path`` if ``calibrate`` fitted its temperature, and for the net that ``about`` tells of.

    That temperature is the float net's, so it holds for whatever file is made of it. Raises ``ModelError``.
    """
    if not path.exists():
        return None
    before = read_card(path)
    is_same_net = all(before.about.get(name) == about[name] for name in _IDENTIFIES_THE_NET)
    return before if is_same_net and before.about.get("temperatures") else None


def with_calibration(about: Mapping[str, Any], before: Card) -> dict[str, Any]:
    """What the card says of its calibration, kept."""
    fitted_by = [command for command in before.about["commands"] if " calibrate " in command]
    return {"temperatures": before.about["temperatures"], "commands": [*about["commands"], *fitted_by]}


def _chosen(recipe: Recipe, load: Callable[[Dataset], Split], split: Split, files: _Files) -> Choice:
    """What is to be served, by what both forms say of validation parts."""
    float32, int8 = (TfliteModel(described(recipe, path), path.parent) for path in (files.float32, files.int8))
    return serving.choose_served(recipe, split.train, serving.outputs_of(recipe, load, float32, int8))


def scored(recipe: Recipe, load: Callable[[Dataset], Split], served: Served, *, float32: Path, int8: Path) -> Reports:
    """Both forms on the recipe's test parts, served so; their cards, which say no more, are written beside them."""
    reports: dict[str, dict[str, Report]] = {"float32": {}, "int8": {}}
    for form, path in (("float32", float32), ("int8", int8)):
        write_card(described(recipe, path, served), path.parent)
        for dataset in recipe.scored_on:
            reports[form][dataset.name] = evaluate(path, dataset, load(dataset))
    return reports


def about_scores(choice: Choice | None, reports: Reports) -> dict[str, Any]:
    """What a card tells people of how its answers came to be served so, and of what that is worth."""
    metrics = {form: {name: asdict(report) for name, report in own.items()} for form, own in reports.items()}
    if choice is None:
        return {"metrics": metrics}
    best = choice.candidates[0]
    return {
        "served_by": {"rule": choice.rule, "candidates": len(choice.candidates), **asdict(best)},
        "metrics": metrics,
    }


def _training_command(recipe: Recipe, training: Training) -> str:
    what, limit = recipe.arguments or recipe.id, _limit(recipe, training)
    return f"python -m quantize train {what} --root DATA --seed {training.seed}{limit}"


def _about(recipe: Recipe, split: Split, training: Training, *, parameters: int, calibrated_on: int) -> dict[str, Any]:
    return {
        "description": recipe.description,
        "parameters": parameters,
        "training_data": recipe.dataset.name,
        "terms": recipe.dataset.terms,
        "split": split.note,
        "samples": {"train": len(split.train), "validation": len(split.validation), "test": len(split.test)},
        "recipe": recipe.summary,
        "seed": training.seed,
        "epochs": len(training.epochs),
        "chosen_epoch": asdict(training.chosen),
        "commands": [
            *(f"python -m quantize train {earlier.id} --root DATA" for earlier in recipe.lineage[:-1]),
            _training_command(recipe, training),
            f"python -m quantize convert {recipe.id} --root DATA",
        ],
        "calibration": {
            "file": "calibration.json" if recipe.is_own else f"quantize/calibration/{recipe.id}.json",
            "samples": calibrated_on,
        },
        "intended_use": recipe.intended_use,
        "limits": recipe.limits,
    }


def _limit(recipe: Recipe, training: Training) -> str:
    """The option that made a training shorter than its recipe says, if one did."""
    is_stuck = recipe.patience is not None and training.epochs_since_chosen >= recipe.patience
    is_whole = len(training.epochs) >= recipe.epochs or is_stuck
    return "" if is_whole else f" --epochs {len(training.epochs)}"
