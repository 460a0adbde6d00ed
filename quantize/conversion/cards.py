"""Model card files: shapes, types and scales as the model file has them, and what people are to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from device.config.settings import RUNTIMES
from device.models.card import Card, Head, Served, card_json, single_head
from device.models.runtime import open_interpreter
from device.models.tflite import spec_of
from device.readings import EMOTIONS
from quantize.files import sha256_of, write_file
from quantize.training.recipe import Recipe


def described(recipe: Recipe, path: Path, served: Served | None = None, about: Mapping[str, Any] | None = None) -> Card:
    """The card of a file of the recipe's net; its first head is served, untempered, unless another way is given."""
    interpreter = open_interpreter(path)
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    return Card(
        id=path.stem,
        kind=recipe.dataset.kind,
        file=path.name,
        sha256=sha256_of(path),
        features=recipe.front_end.features,
        labels=tuple(str(emotion) for emotion in EMOTIONS),
        inputs=tuple(spec_of(given) for given in inputs),
        outputs=tuple(spec_of(output) for output in outputs),
        runtimes=RUNTIMES,
        answers=tuple(map(Head, recipe.heads)),
        served=served or first_head(recipe),
        about=about or {},
    )


def first_head(recipe: Recipe) -> Served:
    """The recipe's first head as it was trained: what is served before anything is known of it."""
    return single_head(heads=len(recipe.heads))


def write_card(card: Card, folder: Path) -> Path:
    """Write the card beside its file, as ``<id>.json``."""
    path = folder / f"{card.id}.json"
    write_file(path, card_json(card))
    return path
