"""What a split is worth: one speech net, trained and tested three times on RAVDESS, honestly and in two usual ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from quantize import checkpoints
from quantize.answers import answer_of
from quantize.datasets import RAVDESS_FOLDS, Samples, only_a_test
from quantize.datasets.ravdess import FOLDS
from quantize.datasets.voices import joined, of_corpus
from quantize.hearing import heard
from quantize.inputs import FrontEnd
from quantize.metrics import Scores, score
from quantize.recipe import Recipe
from quantize.train import train
from quantize.voice_variation import varied_sound

FOLD = 3
TEST_SHARE = 0.2
VARIED_COPIES = 3
"""Varied copies of each clip that stand beside it where variation comes before the split."""


@dataclass(frozen=True, slots=True)
class Row:
    """One protocol: how it splits, what both sides share, and what the net seems to be worth under it."""

    protocol: str
    meaning: str
    train_samples: int
    actors_shared: int
    clips_shared: int
    scores: Scores


@dataclass(frozen=True, slots=True)
class Protocols:
    """The table, and what was trained each time.

    ``recipe`` and ``features`` are those of the model's that ships, so that figures of an earlier one are known as old.
    """

    model: str
    net: str
    recipe: str
    features: str
    seed: int
    epochs: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class _Protocol:
    name: str
    meaning: str
    split: Callable[[Samples, np.random.Generator], tuple[Samples, Samples]]


@dataclass(frozen=True, slots=True)
class Made:
    """What a protocol's nets are made of; the fields are those of ``Protocols``."""

    model: str
    net: str
    recipe: str
    features: str


def made_of(recipe: Recipe) -> Made:
    """Of the recipe as it is now."""
    without = " (its answer to prosody left out)"
    return Made(recipe.id, f"{recipe.description}{without}", recipe.told, recipe.front_end.features)


def study(recipe: Recipe, root: Path, runs: Path, *, seed: int, epochs: int) -> Protocols:
    """Train the recipe's net on RAVDESS alone under each protocol, in folders of ``runs``. Raises ``AffectdError``.

    Without the answer to prosody, which is fitted to several corpora.
    """
    recipe = replace(recipe, prosody=None)
    clips = heard(recipe.front_end, _all_clips(root), "RAVDESS")
    rows = []
    for protocol in PROTOCOLS:
        training, test = protocol.split(clips, np.random.default_rng(seed))
        scores = _scores(replace(recipe, id=f"protocol-{protocol.name}"), training, test, runs, seed, epochs)
        rows.append(
            Row(
                protocol=protocol.name,
                meaning=protocol.meaning,
                train_samples=len(training),
                actors_shared=len(set(training.groups) & set(test.groups)),
                clips_shared=len(set(_clip_names(training)) & set(_clip_names(test))),
                scores=scores,
            )
        )
    return Protocols(**asdict(made_of(recipe)), seed=seed, epochs=epochs, rows=tuple(rows))


def _all_clips(root: Path) -> Samples:
    split = RAVDESS_FOLDS[FOLD].split(root)
    return of_corpus("ravdess", joined([split.train, split.validation, split.test]))


def _scores(recipe: Recipe, training: Samples, test: Samples, runs: Path, seed: int, epochs: int) -> Scores:
    split = replace(only_a_test(test, recipe.id), train=training)
    run = runs / recipe.id
    train(recipe, split, run, seed=seed, epochs=epochs)
    net = checkpoints.load_net(run)
    outputs = net.predict(_inputs(recipe.front_end, test), batch_size=256, verbose=0)
    return score(answer_of(outputs), test.labels, test.groups)


def _inputs(front_end: FrontEnd, samples: Samples) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.stack([front_end.served(signal) for signal in samples.signals])


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
