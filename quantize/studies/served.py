"""Selection of what is served of a net that ships, written into the cards of both its forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from device.models.card import Card, Served, card_json, read_card, verify_file
from device.models.tflite import TfliteModel
from quantize.conversion import cards, convert, serving
from quantize.conversion.cards import described
from quantize.conversion.export import TWINS_FOLDER, float_card
from quantize.conversion.release import Reports, about_scores, scored
from quantize.conversion.serving import Candidate, Choice, HeadOutputs
from quantize.datasets import Dataset, Split
from quantize.evaluation.metrics import served_of
from quantize.files import sha256_of, write_file
from quantize.training import checkpoints
from quantize.training.recipe import Recipe
from quantize.training.shipped import folder_of

COMMAND = "python -m quantize served {} --root DATA --write"

_TOLD_ANEW = ("temperatures", "served_by", "metrics")

Load = Callable[[Dataset], Split]


@dataclass(frozen=True, slots=True)
class ServedStudy:
    """All candidates, the one with the least loss, which is ``served``, first.

    ``threshold`` is of the int8 file and of what is served.
    """

    model: str
    net_sha256: str
    sha256: str
    rule: str
    samples: dict[str, int]
    served: Served
    candidates: tuple[Candidate, ...]
    threshold: Threshold

    @property
    def made_of(self) -> tuple[str, ...]:
        """The int8 file and both rules."""
        return (self.sha256, self.rule, self.threshold.rule)


def study(recipe: Recipe, root: Path, *, shipped: Path, run: Path | None = None) -> ServedStudy:
    """Choose for the net of ``run``, by default the one that ships, whose int8 file's card is ``shipped``.

    Raises ``AffectdError``.
    """
    return choose_from_corpora(
        recipe, lambda dataset: dataset.split(root), run=run or folder_of(recipe), shipped=shipped
    )


def choose_from_corpora(recipe: Recipe, load: Load, *, run: Path, shipped: Path) -> ServedStudy:
    """The same with the corpora that ``load`` gives."""
    card = read_card(shipped)
    int8 = TfliteModel(card, shipped.parent)
    with TemporaryDirectory() as made:
        outputs_by_corpus = serving.outputs_of(recipe, load, _float_file(recipe, run, Path(made)), int8)
    choice = serving.choose_served(recipe, load(recipe.dataset).train, outputs_by_corpus)
    return ServedStudy(
        model=card.id,
        net_sha256=sha256_of(run / checkpoints.RESULT),
        sha256=card.sha256,
        rule=choice.rule,
        samples={name: len(own.labels) for name, own in outputs_by_corpus.items()},
        served=choice.served,
        candidates=choice.candidates,
        threshold=_threshold(choice.served, outputs_by_corpus),
    )


def _float_file(recipe: Recipe, run: Path, folder: Path) -> TfliteModel:
    path = folder / f"{recipe.id}-float32.tflite"
    convert.to_float(checkpoints.load_net(run), path)
    return TfliteModel(described(recipe, path), folder)


def _threshold(served: Served, outputs_by_corpus: dict[str, HeadOutputs]) -> Threshold:
    return threshold([(served_of(served, own.int8_outputs), own.labels) for own in outputs_by_corpus.values()])


def write_cards(recipe: Recipe, load: Load, found: ServedStudy, *, run: Path, shipped: Path) -> list[Path]:
    """Write what is served, with both forms' figures on the test parts, into the card of the int8 file.

    The float twin's card follows if the desktop server has one. Raises ``AffectdError``.
    """
    before = read_card(shipped)
    choice = Choice(found.rule, found.served, found.candidates)
    reports = _reports(recipe, load, found.served, run, verify_file(before, shipped.parent))
    about = {name: value for name, value in before.about.items() if name not in _TOLD_ANEW}
    command = COMMAND.format(recipe.id)
    about["description"] = recipe.description
    about["commands"] = [*(made for made in before.about["commands"] if made != command), command]
    after = replace(before, served=found.served, about={**about, **about_scores(choice, reports)})
    written = [cards.write_card(after, shipped.parent)]
    if (TWINS_FOLDER / shipped.name).exists() and shipped.parent.resolve() == Path("models_tflite").resolve():
        written.append(_write_twin(after, TWINS_FOLDER / shipped.name))
    return written


def _reports(recipe: Recipe, load: Load, served: Served, run: Path, int8: Path) -> Reports:
    with TemporaryDirectory() as made:
        copy, float32 = Path(made) / int8.name, Path(made) / f"{recipe.id}-float32.tflite"
        copy.write_bytes(int8.read_bytes())
        convert.to_float(checkpoints.load_net(run), float32)
        return scored(recipe, load, served, float32=float32, int8=copy)


def _write_twin(shipped: Card, path: Path) -> Path:
    twin = read_card(path)
    content = verify_file(twin, path.parent).read_bytes()
    difference = float(twin.about["largest_difference_from_checkpoint"])
    write_file(path, card_json(float_card(shipped, content, largest_difference=difference)))
    return path


MIN_RIGHT = 1 / 3
"""A label that is right in fewer than one of three cases is not said; by chance it is in one of seven. It is asked of
single pictures, though a label outlasts half a second of them: how often such a one is right is not measured."""
STEP = 0.05
THRESHOLD_RULE = (
    "The share of right labels is fitted as a logistic function of the logarithm of the odds of the confidence (Cox, "
    "1958), all kinds of labels weighted alike. A label is said from the confidence on, in steps of 0.05, at which "
    "one in three is right."
)
_SURE = 1 - 1e-6

Parts = Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]]


@dataclass(frozen=True, slots=True)
class Threshold:
    """The rule, its logistic function (a slope of 1 and an intercept of 0 are calibrated), and what it gives.

    ``unsaid`` is the share of samples that stay below ``uncertain_below``, and ``right_below`` that of right labels
    among these, in 0…1, all kinds of labels weighted alike.
    """

    rule: str
    slope: float
    intercept: float
    uncertain_below: float
    unsaid: float
    right_below: float


def threshold(parts: Parts) -> Threshold:
    """Apply the rule to probabilities (n, 7) and labels (n,), one pair for each kind of labels."""
    odds, right, weights = (np.concatenate(each) for each in zip(*map(_of_part, parts), strict=True))

    def loss(line: NDArray[np.float64]) -> float:
        logits = line[0] * odds + line[1]
        return float((weights * (np.logaddexp(0, logits) - right * logits)).sum())

    slope, intercept = (float(number) for number in minimize(loss, np.array([1.0, 0.0]), method="BFGS").x)
    wanted = (np.log(MIN_RIGHT / (1 - MIN_RIGHT)) - intercept) / slope
    uncertain_below = round(round(float(1 / (1 + np.exp(-wanted))) / STEP) * STEP, 2)
    below = odds < np.log(uncertain_below / (1 - uncertain_below))
    unsaid = float(weights[below].sum() / weights.sum())
    right_below = float((weights * right)[below].sum() / weights[below].sum()) if below.any() else 0.0
    return Threshold(THRESHOLD_RULE, slope, intercept, uncertain_below, unsaid, right_below)


def _of_part(part: tuple[NDArray[np.float32], NDArray[np.int64]]) -> tuple[NDArray[np.float64], ...]:
    """Logarithms of the odds, what is right (0 or 1), and weights that sum to 1."""
    probs, labels = part
    confidence = np.minimum(probs.max(axis=1).astype(np.float64), _SURE)
    odds = np.log(confidence / (1 - confidence))
    return odds, (probs.argmax(axis=1) == labels).astype(np.float64), np.full(len(labels), 1 / len(labels))
