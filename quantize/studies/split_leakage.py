"""Split leakage: one speech net, trained and tested on RAVDESS by actor and in two usual ways that leak."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from quantize.augment.voices import varied_sound
from quantize.datasets import RAVDESS_FOLDS, Samples, only_a_test
from quantize.datasets.ravdess import FOLDS
from quantize.datasets.voices import joined, of_corpus
from quantize.evaluation.metrics import Scores, head_of, score
from quantize.inputs.preprocess import preprocess
from quantize.training import checkpoints
from quantize.training.recipe import SEED, Recipe
from quantize.training.shipped import RUNS_FOLDER
from quantize.training.train import train

FOLD = 3
TEST_SHARE = 0.2
VARIED_COPIES = 3
"""Varied copies of each clip that stand beside it where variation comes before the split."""


@dataclass(frozen=True, slots=True)
class ProtocolRow:
    """One protocol: how it splits, what both sides share, and what the net seems to be worth under it."""

    protocol: str
    meaning: str
    train_samples: int
    actors_shared: int
    clips_shared: int
    scores: Scores


@dataclass(frozen=True, slots=True)
class TrainedNet:
    """What was trained: the recipe and features of the model that ships, so that older figures are known as such."""

    model: str
    net: str
    recipe: str
    features: str
    epochs: int


@dataclass(frozen=True, slots=True)
class SplitLeakage:
    """The table, and what was trained each time."""

    made_of: TrainedNet
    seed: int
    rows: tuple[ProtocolRow, ...]


@dataclass(frozen=True, slots=True)
class _Protocol:
    name: str
    meaning: str
    split: Callable[[Samples, np.random.Generator], tuple[Samples, Samples]]


def made_of(recipe: Recipe, epochs: int) -> TrainedNet:
    """Of the recipe as it is now, trained for ``epochs``."""
    without = " (its answer to prosody left out)"
    return TrainedNet(recipe.id, f"{recipe.description}{without}", recipe.summary, recipe.front_end.features, epochs)


def study(
    recipe: Recipe, root: Path, runs: Path = RUNS_FOLDER, *, seed: int = SEED, epochs: int | None = None
) -> SplitLeakage:
    """Train the recipe's net on RAVDESS alone under each protocol, in folders of ``runs``. Raises ``AffectdError``.

    Without the answer to prosody, which is fitted to several corpora.
    """
    recipe, epochs = replace(recipe, finish=()), epochs or recipe.epochs
    clips = preprocess(recipe.front_end, _all_clips(root), "RAVDESS")
    rows = []
    for protocol in PROTOCOLS:
        training, test = protocol.split(clips, np.random.default_rng(seed))
        scores = _scores(replace(recipe, id=f"protocol-{protocol.name}"), training, test, runs, seed, epochs)
        rows.append(
            ProtocolRow(
                protocol=protocol.name,
                meaning=protocol.meaning,
                train_samples=len(training),
                actors_shared=len(set(training.groups) & set(test.groups)),
                clips_shared=len(set(_clip_names(training)) & set(_clip_names(test))),
                scores=scores,
            )
        )
    return SplitLeakage(made_of(recipe, epochs), seed, tuple(rows))


def _all_clips(root: Path) -> Samples:
    split = RAVDESS_FOLDS[FOLD].split(root)
    return of_corpus("ravdess", joined([split.train, split.validation, split.test]))


def _scores(recipe: Recipe, training: Samples, test: Samples, runs: Path, seed: int, epochs: int) -> Scores:
    split = replace(only_a_test(test, recipe.id), train=training)
    run = runs / recipe.id
    train(recipe, split, run, seed=seed, epochs=epochs)
    net = checkpoints.load_net(run)
    outputs = net.predict(recipe.front_end.inputs(test), batch_size=256, verbose=0)
    return score(head_of(outputs), test.labels, test.groups)


def _by_actor(clips: Samples, rng: np.random.Generator) -> tuple[Samples, Samples]:  # noqa: ARG001 - nothing is drawn
    actors = {f"ravdess/Actor_{actor:02d}" for actor in FOLDS[FOLD]}
    is_test = np.array([group in actors for group in clips.groups])
    return clips.where(~is_test), clips.where(is_test)


def _at_random(clips: Samples, rng: np.random.Generator) -> tuple[Samples, Samples]:
    order = rng.permutation(len(clips))
    test = int(TEST_SHARE * len(clips))
    return clips.take(order[test:]), clips.take(order[:test])


def _varied_then_at_random(clips: Samples, rng: np.random.Generator) -> tuple[Samples, Samples]:
    return _at_random(joined([clips, *(_varied(clips, number, rng) for number in range(1, VARIED_COPIES + 1))]), rng)


def _varied(clips: Samples, number: int, rng: np.random.Generator) -> Samples:
    return replace(
        clips,
        names=[f"{name}#{number}" for name in clips.names],
        signals=[varied_sound(signal, [], rng) for signal in clips.signals],
    )


def _clip_names(samples: Samples) -> list[str]:
    """The names of the recordings, whichever copy of one a sample is."""
    return [name.partition("#")[0] for name in samples.names]


PROTOCOLS = (
    _Protocol("by actor", "no actor is on both sides", _by_actor),
    _Protocol("at random", "clips are divided by chance: an actor says the same on both sides", _at_random),
    _Protocol(
        "varied, then at random",
        f"{VARIED_COPIES} varied copies of each clip are made first, then all are divided by chance: copies of one "
        "recording are on both sides",
        _varied_then_at_random,
    ),
)
