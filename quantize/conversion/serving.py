"""Which of a net's heads are served, and how: chosen by a written rule, on validation parts alone.

``SERVING_RULE`` is the rule. It was written after PublicTest had been looked at, and before any of its candidates but
those two that are one head alone had been scored on PrivateTest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from device.arrays import FloatArray, LabelArray
from device.models.card import Served, single_head
from device.models.net import Net
from quantize.datasets import Dataset, Samples, Split
from quantize.evaluation.evaluate import outputs
from quantize.evaluation.metrics import calibration_error, heads_in_words, pooled_of, served_of
from quantize.evaluation.temperature import TINY, likeliest
from quantize.inputs.preprocess import preprocess
from quantize.training.head_fit import AdjustLogits
from quantize.training.recipe import Recipe

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of the second of two heads; the first one has the rest."""
EXPONENTS = (0.0, 0.5, 1.0)
"""Of the prior of a head that still has it."""
SERVING_RULE = (
    "Candidates are weighted geometric means of a net's two answers, the second one's weight 0, 1/4, 1/2, 3/4 or 1, an "
    "answer that still has the shares of its training classes in it divided by those to the power 0, 1/2 or 1. Each "
    "has the temperature under which its log loss is least. That loss is the mean over the validation parts, so over "
    "both kinds of labels, weighted alike, and in each over the classes, weighted alike, as nobody's home has a "
    "corpus's shares. The float file is asked, as a temperature is fitted. The candidate with the least loss is served."
)


@dataclass(frozen=True, eq=False, slots=True)
class HeadOutputs:
    """A validation part: what a net's float and int8 files say of it, (n, heads, 7) each, and its labels."""

    float_outputs: FloatArray
    int8_outputs: FloatArray
    labels: LabelArray


@dataclass(frozen=True, slots=True)
class OnLabels:
    """What a candidate is worth on one kind of labels, in 0…1, from the int8 file; the log loss is the float file's."""

    samples: int
    accuracy: float
    uar: float
    calibration_error: float
    balanced_log_loss: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to serve a net's heads; ``loss`` in nats is what the rule compares."""

    served: Served
    told: str
    loss: float
    on: Mapping[str, OnLabels]


@dataclass(frozen=True, slots=True)
class Choice:
    """What the rule says: all candidates, that with the least loss first, which is ``served``."""

    rule: str
    served: Served
    candidates: tuple[Candidate, ...]


def outputs_of(recipe: Recipe, load: Callable[[Dataset], Split], float32: Net, int8: Net) -> dict[str, HeadOutputs]:
    """What both files say of the validation part of each corpus that the recipe is scored on, by its name."""
    outputs_by_corpus = {}
    for dataset in recipe.scored_on:
        samples = preprocess(recipe.front_end, load(dataset).validation, "validation")
        of_float32, of_int8 = (outputs(net, recipe.front_end, samples) for net in (float32, int8))
        outputs_by_corpus[dataset.name] = HeadOutputs(of_float32, of_int8, samples.labels)
    return outputs_by_corpus


def choose_served(recipe: Recipe, training: Samples, outputs_by_corpus: Mapping[str, HeadOutputs]) -> Choice:
    """Apply the rule to what a net of the recipe says of the validation parts."""
    found = [_candidate(recipe, how, outputs_by_corpus) for how in candidates(recipe, training)]
    found.sort(key=lambda candidate: candidate.loss)
    return Choice(SERVING_RULE, found[0].served, tuple(found))


def candidates(recipe: Recipe, training: Samples) -> Iterator[Served]:
    """All ways to serve the recipe's one or two heads that are tried, as yet at temperature 1."""
    if len(recipe.heads) == 1:
        yield single_head()
        return
    for weight in WEIGHTS:
        weights = (1 - weight, weight)
        for exponents in _exponents(recipe, training, weights):
            yield Served(
                weights=weights,
                priors=tuple(_prior(training, i) if power else () for i, power in enumerate(exponents)),
                prior_exponents=exponents,
                temperature=1.0,
            )


def _exponents(recipe: Recipe, training: Samples, weights: Sequence[float]) -> Iterator[tuple[float, ...]]:
    """Those of each head: 0 where it has no say, where its prior is not known, or was taken from it in training."""
    adjusted = {step.head for step in recipe.finish if isinstance(step, AdjustLogits) and step.strength}
    free = [
        bool(weight) and name not in adjusted and training.targets is not None
        for name, weight in zip(recipe.heads, weights, strict=True)
    ]
    for power in EXPONENTS if any(free) else (0.0,):
        yield tuple(power if is_free else 0.0 for is_free in free)


def _prior(training: Samples, number: int) -> tuple[float, ...]:
    """The share of each class in what a head aimed at."""
    assert training.targets is not None  # _exponents sees to it
    whole = training.targets[:, number].sum(axis=0, dtype=np.float64)
    return tuple(round(float(share), 6) for share in whole / whole.sum())


def _candidate(recipe: Recipe, untempered: Served, outputs_by_corpus: Mapping[str, HeadOutputs]) -> Candidate:
    parts = [(pooled_of(untempered, own.float_outputs), own.labels) for own in outputs_by_corpus.values()]
    how = replace(untempered, temperature=fit_balanced_temperature(parts))
    on = {name: _on_labels(how, own) for name, own in outputs_by_corpus.items()}
    loss = float(np.mean([own.balanced_log_loss for own in on.values()]))
    return Candidate(how, heads_in_words(how, recipe.heads), loss, on)


def fit_balanced_temperature(parts: Sequence[tuple[FloatArray, LabelArray]]) -> float:
    """The temperature in 0.1…10 under which the mean of the parts' balanced log losses is least, to four digits."""
    logits = [(np.log(np.maximum(probs, TINY, dtype=np.float64)), labels) for probs, labels in parts]

    def loss(sharpness: float) -> float:
        return float(np.mean([_balanced_log_loss(sharpness * own, labels) for own, labels in logits]))

    return likeliest(loss)


def _balanced_log_loss(logits: NDArray[np.float64], labels: LabelArray) -> float:
    """In nats: the mean over the classes that are there of the mean over their samples."""
    likelihood = log_softmax(logits, axis=1)[np.arange(len(labels)), labels]
    return -float(np.mean([likelihood[labels == label].mean() for label in np.unique(labels)]))


def _on_labels(how: Served, own: HeadOutputs) -> OnLabels:
    float_probs, probs = served_of(how, own.float_outputs), served_of(how, own.int8_outputs)
    right = probs.argmax(axis=1) == own.labels
    return OnLabels(
        samples=len(own.labels),
        accuracy=float(right.mean()),
        uar=float(np.mean([right[own.labels == label].mean() for label in np.unique(own.labels)])),
        calibration_error=calibration_error(probs, own.labels),
        balanced_log_loss=_balanced_log_loss(np.log(np.maximum(float_probs, TINY)), own.labels),
    )
