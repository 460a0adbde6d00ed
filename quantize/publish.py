"""From a training run to what is shipped: the int8 file, scored beside its own float form, and its card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from quantize import calibration, cards, checkpoints, convert
from quantize.checkpoints import Training, write_beside
from quantize.datasets import Split
from quantize.evaluate import Report, evaluate
from quantize.hearing import heard
from quantize.recipes import Recipe


def publish(recipe: Recipe, split: Split, *, run: Path, calibration_path: Path, folder: Path) -> tuple[Report, Report]:
    """Convert the run's best net, score float and int8 on the test part, and write file and card into ``folder``.

    All is made in ``run``, where the float file and its card stay; ``folder`` gets the int8 file once it is scored.
    Returns the reports (float, int8). Raises ``AffectdError``.
    """
    training = checkpoints.require_state(run)
    model = checkpoints.load_net(run)
    float_path, int8_path = run / f"{recipe.id}-float32.tflite", run / f"{recipe.id}.tflite"
    chosen = heard(recipe.front_end, calibration.pinned(calibration_path, split.train), "calibration")
    convert.to_float(model, float_path)
    convert.to_int8(model, [recipe.front_end.served(signal) for signal in chosen.signals], int8_path)
    reports = _scored(recipe, split, float_path), _scored(recipe, split, int8_path)
    about = _about(recipe, split, training, parameters=int(model.count_params()), calibrated_on=len(chosen))
    about["metrics"] = {"float32": asdict(reports[0]), "int8": asdict(reports[1])}
    folder.mkdir(parents=True, exist_ok=True)
    write_beside(folder / int8_path.name, int8_path.read_bytes())
    _write_card(recipe, folder / int8_path.name, about)
    return reports


def _scored(recipe: Recipe, split: Split, path: Path) -> Report:
    _write_card(recipe, path, {})
    return evaluate(path, recipe.dataset.name, split)


def _write_card(recipe: Recipe, path: Path, about: Mapping[str, Any]) -> None:
    card = cards.describe(path, kind=recipe.dataset.kind, features=recipe.front_end.features, about=about)
    cards.write_card(card, path.parent)


def _about(recipe: Recipe, split: Split, training: Training, *, parameters: int, calibrated_on: int) -> dict[str, Any]:
    return {
        "description": recipe.description,
        "parameters": parameters,
        "training_data": recipe.dataset.name,
        "terms": recipe.dataset.terms,
        "split": split.note,
        "samples": {"train": len(split.train), "validation": len(split.validation), "test": len(split.test)},
        "recipe": recipe.told,
        "seed": training.seed,
        "epochs": len(training.epochs),
        "chosen_epoch": asdict(training.best),
        "commands": [
            f"python -m quantize train {recipe.id} --root DATA --seed {training.seed}{_limit(recipe, training)}",
            f"python -m quantize convert {recipe.id} --root DATA",
        ],
        "calibration": {"file": f"quantize/calibration/{recipe.id}.json", "samples": calibrated_on},
        "intended_use": recipe.intended_use,
        "limits": recipe.limits,
    }


def _limit(recipe: Recipe, training: Training) -> str:
    """The option that made a training shorter than its recipe says, if one did."""
    is_whole = len(training.epochs) >= recipe.epochs or training.epochs_since_best >= recipe.patience
    return "" if is_whole else f" --epochs {len(training.epochs)}"
