"""Temperature scaling of nets without a validation part: on the answers of the nets of the other folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.errors import AffectdError
from device.models.card import read_card, single_head
from quantize.conversion import cards
from quantize.datasets import Dataset, Split
from quantize.evaluation.evaluate import Report, evaluate, open_model, outputs
from quantize.evaluation.temperature import FittedTemperature, fitted_temperature
from quantize.inputs.preprocess import preprocess
from quantize.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class FoldModel:
    """One of several nets of the same making: its recipe, and where its two forms and their cards are."""

    recipe: Recipe
    float32: Path
    int8: Path


@dataclass(frozen=True, eq=False, slots=True)
class _Answers:
    """What both forms of a net answers of its own test part, (samples, 7) each."""

    float_probs: NDArray[np.float32]
    int8_probs: NDArray[np.float32]
    labels: NDArray[np.int64]


def calibrate(models: Sequence[FoldModel], load: Callable[[Dataset], Split]) -> Mapping[str, FittedTemperature]:
    """Fit each net's temperature on the answers of all others to their test parts; rewrite its cards and figures.

    No net's temperature has seen its own test part. Raises ``AffectdError``.
    """
    if len(models) < 2:
        raise AffectdError("a temperature is fitted on the other nets' answers; name two nets at least")
    answers = [_answers_of(model, load) for model in models]
    fitted = {}
    for number, model in enumerate(models):
        others = [own for i, own in enumerate(answers) if i != number]
        temperature = fitted_temperature(
            np.concatenate([own.float_probs for own in others]),
            np.concatenate([own.int8_probs for own in others]),
            np.concatenate([own.labels for own in others]),
        )
        _rewrite(model, temperature, load, _command(models))
        fitted[model.recipe.id] = temperature
    return fitted


def _answers_of(model: FoldModel, load: Callable[[Dataset], Split]) -> _Answers:
    (dataset,) = model.recipe.scored_on
    samples = preprocess(model.recipe.front_end, load(dataset).test, "test")
    float_probs, int8_probs = (
        outputs(open_model(path), model.recipe.front_end, samples)[:, 0] for path in (model.float32, model.int8)
    )
    return _Answers(float_probs, int8_probs, samples.labels)


def _command(models: Sequence[FoldModel]) -> str:
    return f"python -m quantize calibrate {' '.join(model.recipe.id for model in models)} --root DATA"


def _rewrite(model: FoldModel, temperature: FittedTemperature, load: Callable[[Dataset], Split], command: str) -> None:
    """Both cards with the temperature, and the int8 file's with both forms' figures at it."""
    (dataset,), (name,) = model.recipe.scored_on, model.recipe.heads
    metrics: dict[str, dict[str, Report]] = {}
    for form, path in (("float32", model.float32), ("int8", model.int8)):
        card = replace(read_card(path.with_suffix(".json")), served=single_head(temperature.value))
        cards.write_card(card, path.parent)
        metrics[form] = {dataset.name: evaluate(path, dataset, load(dataset))}
    card = read_card(model.int8.with_suffix(".json"))
    about = {
        **card.about,
        "temperatures": {name: asdict(temperature)},
        "commands": [*(made for made in card.about["commands"] if " calibrate " not in made), command],
        "metrics": {form: {corpus: asdict(r) for corpus, r in own.items()} for form, own in metrics.items()},
    }
    cards.write_card(replace(card, about=about), model.int8.parent)
