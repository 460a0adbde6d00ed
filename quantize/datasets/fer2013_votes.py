"""FER2013 for a net with two answers: as ten people saw each face (FER+), and as FER2013 labels it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from device.arrays import DoubleArray
from device.readings import EMOTIONS
from quantize.datasets.common import Split
from quantize.datasets.fer2013 import FER2013
from quantize.datasets.fer2013_rows import row_name
from quantize.datasets.ferplus import ANSWERS, SEVEN, Votes, read_votes
from quantize.logistic import fitted

PEOPLE = 10
MIN_VOTES = 4
"""Where fewer of the ten saw one of our seven, the votes say little."""
SMOOTHING = 0.1
"""Of a hard label (Szegedy et al., 2016)."""
SOFT_SHARE = 0.5
RIDGE = 1e-4
_NO_FACE = ANSWERS.index("NF")


def _load(folder: Path) -> Split:
    """FER2013's own split; the training part has targets, and lacks what half of the people called no face.

    FER2013's labels and the majority of FER+ agree in 65.6 % of PrivateTest: they are two judgements of one face, so a
    net that is to give both needs two answers.
    """
    split = FER2013.load(folder)
    votes = read_votes(folder)
    places = {row_name(i): i for i in range(len(votes))}
    own = votes[[places[name] for name in split.train.names]]
    is_face = own[:, _NO_FACE] < PEOPLE / 2
    training = split.train.where(is_face)
    return replace(
        split,
        train=replace(training, targets=targets(own[is_face], training.labels)),
        note=f"{split.note}; Training also without the faces that half of the FER+ taggers called none",
    )


def targets(votes: Votes, labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """What the two answers aim at, float32 (samples, 2, 7): the votes, and the label softened by them."""
    says_enough = (votes[:, :7].sum(axis=1) >= MIN_VOTES) & (votes[:, _NO_FACE] == 0)
    crowd = np.zeros((len(votes), len(EMOTIONS)))
    crowd[:, SEVEN] = votes[:, :7] / PEOPLE
    hard = (1 - SMOOTHING) * np.eye(len(EMOTIONS))[labels] + SMOOTHING / len(EMOTIONS)
    soft = (1 - SOFT_SHARE) * hard + SOFT_SHARE * likely_labels(votes, labels)
    enough = says_enough[:, np.newaxis]
    return np.stack([np.where(enough, crowd, 0), np.where(enough, soft, hard)], axis=1).astype(np.float32)


def likely_labels(votes: Votes, labels: NDArray[np.int64]) -> DoubleArray:
    """q(label | votes), (samples, 7): a logistic regression that is fitted to these samples."""
    features = _features(votes)
    return np.asarray(softmax(features @ fitted(features, np.eye(len(EMOTIONS))[labels], RIDGE), axis=1))


def _features(votes: Votes) -> DoubleArray:
    shares = votes / PEOPLE
    return np.concatenate([shares, shares**2, np.sqrt(shares), shares > 0, np.ones((len(votes), 1))], axis=1)


FER2013_VOTES = replace(FER2013, terms=f"{FER2013.terms}; FER+ votes: MIT", load=_load)
