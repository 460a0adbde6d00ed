"""A model's card: the JSON beside the file that says what it is, what it eats and what it was measured at."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from device.errors import ModelError
from device.readings import EMOTIONS


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Shape (batch first), type and quantization of an input or output: real = scale · (q - zero_point)."""

    shape: tuple[int, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """One row of an emotion net's output: whose judgement it learnt to give, and its calibration.

    ``temperature`` divides the logits before probabilities are fused (1: as trained).
    """

    name: str
    temperature: float


@dataclass(frozen=True, slots=True)
class Card:
    """What the appliance must know of a model before it trusts it.

    ``kind`` is ``face``, ``speech`` or ``detector``; ``features`` is the version of the features it was trained on;
    ``answers`` are the rows of an emotion net's output, of which the appliance serves the first; ``about`` holds the
    rest for people: training data, split, command, metrics with intervals, licence.
    """

    id: str
    kind: str
    file: str
    sha256: str
    features: str
    labels: tuple[str, ...]
    input: TensorSpec
    outputs: tuple[TensorSpec, ...]
    runtimes: tuple[str, ...]
    answers: tuple[Answer, ...]
    about: Mapping[str, Any]


def read_card(path: Path) -> Card:
    """Read one card. Raises ``ModelError`` that names the file and what is wrong with it."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such model card; `affectd models list` shows those installed") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: not a readable model card ({error}); install the model again") from error
    try:
        return _card(raw)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{path}: the card lacks or misstates {error}; install the model again") from error


def _card(raw: Mapping[str, Any]) -> Card:
    known = {f.name for f in fields(Card)}
    if unknown := sorted(set(raw) - known):
        raise ValueError(f"unknown entry {unknown[0]!r}")
    return Card(
        **{
            **raw,
            "labels": tuple(raw["labels"]),
            "input": _tensor(raw["input"]),
            "outputs": tuple(_tensor(t) for t in raw["outputs"]),
            "runtimes": tuple(raw["runtimes"]),
            "answers": tuple(_answer(a) for a in raw["answers"]),
        }
    )


def _answer(raw: Mapping[str, Any]) -> Answer:
    temperature = float(raw["temperature"])
    if not 0 < temperature < math.inf:
        raise ValueError(f"temperature {temperature}: it divides logits, so it must be above 0 and finite")
    return Answer(name=str(raw["name"]), temperature=temperature)


def _tensor(raw: Mapping[str, Any]) -> TensorSpec:
    return TensorSpec(**{**raw, "shape": tuple(raw["shape"])})


def verify_file(card: Card, folder: Path) -> Path:
    """The path of the card's model file, once its sha256 is the card's. Raises ``ModelError``."""
    path = folder / card.file
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot read the model file ({error.strerror}); install the model again") from error
    if digest != card.sha256:
        raise ModelError(
            f"{path}: sha256 {digest[:16]}… is not the card's {card.sha256[:16]}…: the file was altered; "
            "install it again"
        )
    return path


def verify_emotion_card(card: Card, *, kind: str, features: tuple[str, ...]) -> None:
    """Refuse a card made for another job, other features or other labels, or without answers. Raises ``ModelError``."""
    expected = {"kind": (kind,), "features": features, "labels": (tuple(str(e) for e in EMOTIONS),)}
    for name, fitting in expected.items():
        found = getattr(card, name)
        if found not in fitting:
            wanted = " or ".join(repr(value) for value in fitting)
            raise ModelError(f"model {card.id}: {name} is {found!r}, but this version of affectd needs {wanted}")
    numbers = [math.prod(output.shape) for output in card.outputs]
    if not card.answers or numbers != [len(card.answers) * len(EMOTIONS)]:
        raise ModelError(
            f"model {card.id}: {len(card.answers)} answers of {len(EMOTIONS)} classes do not fit outputs of "
            f"{numbers} numbers; install the model again"
        )
