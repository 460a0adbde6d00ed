"""Model card: the JSON beside the file that says what it is, its input and output, and what it was measured at."""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from device.errors import ModelError
from device.readings import EMOTIONS

_log = logging.getLogger(__name__)


DETECTOR_KIND = "detector"
"""The ``kind`` of a card that is no modality's."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Shape (batch first), type and quantization of an input or output: real = scale · (q - zero_point)."""

    shape: tuple[int, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0


@dataclass(frozen=True, slots=True)
class Head:
    """Output head of an emotion net, one row of its output: whose judgement it learnt to give."""

    name: str


@dataclass(frozen=True, slots=True)
class Served:
    """Pooling and temperature scaling of a net's heads to what is served (``device.models.probabilities.served``).

    A weight, a prior and its exponent for each head, in their order. Weights sum to 1. A prior is the share of each
    class in what the head was trained on, (classes,), or empty where the exponent is 0. ``temperature`` divides the
    logits of the whole (1: as trained).
    """

    weights: tuple[float, ...]
    priors: tuple[tuple[float, ...], ...]
    prior_exponents: tuple[float, ...]
    temperature: float


def single_head(temperature: float = 1.0, *, number: int = 0, heads: int = 1) -> Served:
    """One of a net's heads, as it is, at a temperature."""
    weights = tuple(float(i == number) for i in range(heads))
    return Served(weights, ((),) * heads, (0.0,) * heads, temperature)


@dataclass(frozen=True, slots=True)
class Card:
    """Card of a model: what the appliance must know before it trusts it.

    ``kind`` is a modality's name or ``detector``; ``features`` is the version of the features it was trained on;
    ``labels`` are the net's classes; ``answers`` are an emotion net's heads, the rows of its output, and ``served`` is
    what the appliance makes of them; ``about`` holds the rest for people: training data, split, command, metrics with
    intervals, licence. ``class_matrix`` is for a net with other classes than the seven: a row a class, how its
    probability is shared among the seven in their order; empty where the classes are the seven.
    """

    id: str
    kind: str
    file: str
    sha256: str
    features: str
    labels: tuple[str, ...]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    runtimes: tuple[str, ...]
    answers: tuple[Head, ...]
    served: Served
    about: Mapping[str, Any]
    class_matrix: tuple[tuple[float, ...], ...] = ()

    @property
    def input(self) -> TensorSpec:
        """The input of a net that has one, as a modality's has. Raises ``ModelError`` for any other."""
        if len(self.inputs) != 1:
            raise ModelError(f"model {self.id}: it takes {len(self.inputs)} inputs, where one is given")
        return self.inputs[0]


def card_json(card: Card) -> bytes:
    """The card as its file has it; one input is its ``input``, which versions before several inputs read."""
    entries: dict[str, Any] = {}
    for name, value in asdict(card).items():
        if name == "inputs" and len(value) == 1:
            entries["input"] = value[0]
        elif value or name != "class_matrix":
            entries[name] = value
    return (json.dumps(entries, indent=1, ensure_ascii=False) + "\n").encode()


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
    known = {f.name for f in fields(Card)} | {"input"}
    if unknown := sorted(set(raw) - known):
        raise ValueError(f"unknown entry {unknown[0]!r}")
    return Card(
        **{
            **{name: value for name, value in raw.items() if name != "input"},
            "labels": tuple(raw["labels"]),
            "inputs": tuple(map(_tensor, raw["inputs"] if "inputs" in raw else [raw["input"]])),
            "outputs": tuple(_tensor(t) for t in raw["outputs"]),
            "runtimes": tuple(raw["runtimes"]),
            "answers": tuple(Head(str(a["name"])) for a in raw["answers"]),
            "served": _served(raw),
            "class_matrix": _class_matrix(raw),
        }
    )


def _served(raw: Mapping[str, Any]) -> Served:
    answers = raw["answers"]
    if "served" in raw:
        own = raw["served"]
        served = Served(
            weights=_numbers(own["weights"]),
            priors=tuple(map(_numbers, own["priors"])),
            prior_exponents=_numbers(own["prior_exponents"]),
            temperature=float(own["temperature"]),
        )
    elif answers and "temperature" not in answers[0]:
        raise KeyError("served")
    else:
        served = _of_an_older_card(raw)
    _require_sound(served, len(answers), len(raw["labels"]))
    return served


def _class_matrix(raw: Mapping[str, Any]) -> tuple[tuple[float, ...], ...]:
    matrix = tuple(map(_numbers, raw.get("class_matrix", ())))
    for row in matrix:
        if len(row) != len(EMOTIONS) or min(row) < 0 or not _is_one(row):
            raise ValueError(f"class_matrix: row {[*row]}; it shares a class among {len(EMOTIONS)} emotions, sum 1")
    if matrix and len(matrix) != len(raw["labels"]):
        raise ValueError(f"class_matrix: {len(matrix)} rows for {len(raw['labels'])} labels")
    return matrix


def _of_an_older_card(raw: Mapping[str, Any]) -> Served:
    """Each answer has a temperature of its own, and the first one is served: so a detector has nothing to serve."""
    answers = raw["answers"]
    if len(answers) > 1:
        _log.warning(
            "model %s: its card is of an older format and does not say how its %d answers are served, so only the "
            "first, %s, is; install a newer set of models",
            raw["id"],
            len(answers),
            answers[0]["name"],
        )
    return single_head(float(answers[0]["temperature"]) if answers else 1.0, heads=len(answers))


def _numbers(values: Sequence[Any]) -> tuple[float, ...]:
    return tuple(map(float, values))


def _require_sound(served: Served, answers: int, classes: int) -> None:
    """Raise ``ValueError`` that says what cannot be served so."""
    if not 0 < served.temperature < math.inf:
        raise ValueError(f"temperature {served.temperature}: it divides logits, so it must be above 0 and finite")
    parts = (served.weights, served.priors, served.prior_exponents)
    if any(len(part) != answers for part in parts):
        raise ValueError(
            f"served: weights, priors and exponents of {[*map(len, parts)]} answers; the net has {answers}"
        )
    if not all(0 <= weight <= 1 for weight in served.weights) or (answers and not _is_one(served.weights)):
        raise ValueError(f"served: weights {[*served.weights]}; none may be negative, and they must sum to 1")
    for exponent, prior in zip(served.prior_exponents, served.priors, strict=True):
        is_prior = len(prior) == classes and all(share > 0 for share in prior) and _is_one(prior)
        if not 0 <= exponent < math.inf or (exponent > 0 and not is_prior):
            raise ValueError(
                f"served: prior {[*prior]} with exponent {exponent}; an exponent is finite and not negative, and one "
                f"above 0 needs a prior of {classes} shares above 0 that sum to 1"
            )


def _is_one(shares: Sequence[float]) -> bool:
    return math.isclose(sum(shares), 1.0, abs_tol=1e-6)


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
    """Refuse a card made for another job, other features, labels or inputs, or without heads.

    Raises ``ModelError``.
    """
    expected: dict[str, tuple[Any, ...]] = {"kind": (kind,), "features": features}
    if not card.class_matrix:
        expected["labels"] = (tuple(str(e) for e in EMOTIONS),)
    for name, fitting in expected.items():
        found = getattr(card, name)
        if found not in fitting:
            wanted = " or ".join(repr(value) for value in fitting)
            raise ModelError(f"model {card.id}: {name} is {found!r}, but this version of affectd needs {wanted}")
    if len(card.inputs) != 1:
        raise ModelError(f"model {card.id}: it takes {len(card.inputs)} inputs, but {kind} has one")
    numbers = [math.prod(output.shape) for output in card.outputs]
    if not card.answers or numbers != [len(card.answers) * len(card.labels)]:
        raise ModelError(
            f"model {card.id}: {len(card.answers)} answers of {len(card.labels)} classes do not fit outputs of "
            f"{numbers} numbers; install the model again"
        )
