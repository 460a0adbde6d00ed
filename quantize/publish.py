"""From a training run to what is shipped: the int8 file, scored beside its own float form, and its card."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from device.models.card import Answer, Card
from device.models.tflite import TfliteModel
from quantize import calibration, cards, checkpoints, convert
from quantize.checkpoints import Training, write_beside
from quantize.datasets import Dataset, Split
from quantize.evaluate import Report, evaluate, outputs
from quantize.hearing import heard
from quantize.recipe import Recipe
from quantize.temperature import FittedTemperature, fitted_temperature

Reports = Mapping[str, Mapping[str, Report]]
"""Of ``float32`` and ``int8``, by the name of the corpus."""


@dataclass(frozen=True, slots=True)
class _Files:
    """The two forms of one net, and what is known of its answers."""

    float32: Path
    int8: Path
    answers: tuple[Answer, ...]


def publish(
    recipe: Recipe, load: Callable[[Dataset], Split], *, trained: Path, run: Path, calibration_path: Path, folder: Path
) -> Reports:
    """Convert a trained net, score float and int8 on the recipe's test parts, write file and card into ``folder``.

    ``load`` gives the corpora. Where the recipe says so, temperatures are fitted on validation parts first. The net of
    ``trained`` is only read. All is made in ``run``, which may be the same folder and where the float file and its card
    stay; ``folder`` gets the int8 file once it is scored. Raises ``AffectdError``.
    """
    training, split = checkpoints.require_state(trained), load(recipe.dataset)
    model = checkpoints.load_net(trained)
    run.mkdir(parents=True, exist_ok=True)
    files = _Files(
        run / f"{recipe.id}-float32.tflite",
        run / f"{recipe.id}.tflite",
        untempered(recipe),
    )
    chosen = heard(recipe.front_end, calibration.pinned(calibration_path, split.train), "calibration")
    convert.to_float(model, files.float32)
    inputs = [recipe.front_end.served(signal) for signal in chosen.signals]
    convert.to_int8(model, inputs, files.int8, beyond=recipe.beyond_range)
    fitted = _fitted(recipe, load, files) if recipe.fits_temperature else {}
    answers = [Answer(name, fitted[name].value if name in fitted else 1.0) for name in recipe.answers]
    reports = _scored(recipe, load, files, answers)
    about = _about(recipe, split, training, parameters=int(model.count_params()), calibrated_on=len(chosen))
    about["temperatures"] = {name: asdict(temperature) for name, temperature in fitted.items()}
    about["metrics"] = {form: {name: asdict(r) for name, r in own.items()} for form, own in reports.items()}
    folder.mkdir(parents=True, exist_ok=True)
    write_beside(folder / files.int8.name, files.int8.read_bytes())
    _write_card(recipe, folder / files.int8.name, answers, about)
    return reports


def untempered(recipe: Recipe) -> tuple[Answer, ...]:
    """The recipe's answers before any temperature is known."""
    return tuple(Answer(name, 1.0) for name in recipe.answers)


def _fitted(recipe: Recipe, load: Callable[[Dataset], Split], files: _Files) -> dict[str, FittedTemperature]:
    """For each answer that a scored corpus's labels are, a temperature from that corpus's validation part."""
    cards_of_both = [_write_card(recipe, path, files.answers, {}) for path in (files.float32, files.int8)]
    models = [TfliteModel(card, files.int8.parent) for card in cards_of_both]
    fitted = {}
    for dataset in recipe.scored_on:
        samples = heard(recipe.front_end, load(dataset).validation, "validation")
        number = recipe.answer_number(dataset.answer)
        float_probs, int8_probs = (outputs(model, recipe.front_end, samples)[:, number] for model in models)
        fitted[recipe.answers[number]] = fitted_temperature(float_probs, int8_probs, samples.labels)
    return fitted


def _scored(recipe: Recipe, load: Callable[[Dataset], Split], files: _Files, answers: Sequence[Answer]) -> Reports:
    reports: dict[str, dict[str, Report]] = {"float32": {}, "int8": {}}
    for form, path in (("float32", files.float32), ("int8", files.int8)):
        _write_card(recipe, path, answers, {})
        for dataset in recipe.scored_on:
            reports[form][dataset.name] = evaluate(path, dataset, load(dataset))
    return reports


def _write_card(recipe: Recipe, path: Path, answers: Sequence[Answer], about: Mapping[str, Any]) -> Card:
    card = described(recipe, path, answers, about)
    cards.write_card(card, path.parent)
    return card


def described(
    recipe: Recipe, path: Path, answers: Sequence[Answer] = (), about: Mapping[str, Any] | None = None
) -> Card:
    """The card of a file of the recipe's net; its answers are untempered unless they are given."""
    kind, features = recipe.dataset.kind, recipe.front_end.features
    given = answers or untempered(recipe)
    return cards.describe(path, kind=kind, features=features, answers=given, about=about or {})


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
        "chosen_epoch": asdict(training.chosen),
        "commands": [
            *(f"python -m quantize train {earlier.id} --root DATA" for earlier in recipe.lineage[:-1]),
            f"python -m quantize train {recipe.id} --root DATA --seed {training.seed}{_limit(recipe, training)}",
            f"python -m quantize convert {recipe.id} --root DATA",
        ],
        "calibration": {"file": f"quantize/calibration/{recipe.id}.json", "samples": calibrated_on},
        "intended_use": recipe.intended_use,
        "limits": recipe.limits,
    }


def _limit(recipe: Recipe, training: Training) -> str:
    """The option that made a training shorter than its recipe says, if one did."""
    is_stuck = recipe.patience is not None and training.epochs_since_chosen >= recipe.patience
    is_whole = len(training.epochs) >= recipe.epochs or is_stuck
    return "" if is_whole else f" --epochs {len(training.epochs)}"
