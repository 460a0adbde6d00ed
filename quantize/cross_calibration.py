"""Temperatures for nets that have no validation part: each from what its sisters said of actors they never heard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.errors import AffectdError
from device.models.card import alone, read_card
from device.models.tflite import TfliteModel
from quantize import cards
from quantize.datasets import Dataset, Split
from quantize.evaluate import Report, evaluate, outputs
from quantize.hearing import heard
from quantize.recipe import Recipe
from quantize.temperature import FittedTemperature, fitted_temperature


@dataclass(frozen=True, slots=True)
class Sister:
    """One of several nets of the same making: its recipe, and where its two forms and their cards are."""

    recipe: Recipe
    float32: Path
    int8: Path


@dataclass(frozen=True, eq=False, slots=True)
class _Said:
    """What both forms of a net said of its own test part, (samples, 7) each."""

    float_probs: NDArray[np.float32]
    int8_probs: NDArray[np.float32]
    labels: NDArray[np.int64]


def calibrate(sisters: Sequence[Sister], load: Callable[[Dataset], Split]) -> Mapping[str, FittedTemperature]:
    """Fit each net's temperature on the answers of all others to their test parts; rewrite its cards and figures.

    No net's temperature has seen its own test part. Raises ``AffectdError``.
    """
    if len(sisters) < 2:
        raise AffectdError("a temperature is fitted on the other nets' answers; name two nets at least")
    said = [_asked(sister, load) for sister in sisters]
    fitted = {}
    for number, sister in enumerate(sisters):
        others = [own for i, own in enumerate(said) if i != number]
        temperature = fitted_temperature(
            np.concatenate([own.float_probs for own in others]),
            np.concatenate([own.int8_probs for own in others]),
            np.concatenate([own.labels for own in others]),
        )
        _rewrite(sister, temperature, load, _command(sisters))
        fitted[sister.recipe.id] = temperature
    return fitted


def _asked(sister: Sister, load: Callable[[Dataset], Split]) -> _Said:
    (dataset,) = sister.recipe.scored_on
    samples = heard(sister.recipe.front_end, load(dataset).test, "test")
    float_probs, int8_probs = (
        outputs(TfliteModel(read_card(path.with_suffix(".json")), path.parent), sister.recipe.front_end, samples)[:, 0]
        for path in (sister.float32, sister.int8)
    )
    return _Said(float_probs, int8_probs, samples.labels)


def _command(sisters: Sequence[Sister]) -> str:
    return f"python -m quantize calibrate {' '.join(sister.recipe.id for sister in sisters)} --root DATA"


def _rewrite(sister: Sister, temperature: FittedTemperature, load: Callable[[Dataset], Split], command: str) -> None:
    """Both cards with the temperature, and the int8 file's with both forms' figures at it."""
    (dataset,), (name,) = sister.recipe.scored_on, sister.recipe.answers
    metrics: dict[str, dict[str, Report]] = {}
    for form, path in (("float32", sister.float32), ("int8", sister.int8)):
        card = replace(read_card(path.with_suffix(".json")), served=alone(temperature.value))
        cards.write_card(card, path.parent)
        metrics[form] = {dataset.name: evaluate(path, dataset, load(dataset))}
    card = read_card(sister.int8.with_suffix(".json"))
    about = {
        **card.about,
        "temperatures": {name: asdict(temperature)},
        "commands": [*(made for made in card.about["commands"] if " calibrate " not in made), command],
        "metrics": {form: {corpus: asdict(r) for corpus, r in own.items()} for form, own in metrics.items()},
    }
    cards.write_card(replace(card, about=about), sister.int8.parent)
