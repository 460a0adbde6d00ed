"""Functionals head: a class-masked logistic regression on relative functionals beside a net that has learnt spectra."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from device.arrays import BoolArray
from device.readings import EMOTIONS
from quantize.datasets import Samples
from quantize.datasets.voices import corpus_of
from quantize.training.batches import sample_weights
from quantize.training.functionals_takes import FunctionalsLibrary
from quantize.training.prosody_head import regression, with_prosody_head
from quantize.training.recipe import Finishing


@dataclass(frozen=True, slots=True)
class FitFunctionals:
    """Finish step: ``strength`` times the logits of a regression on relative functionals are added to the net's.

    A corpus says nothing of the classes that it lacks: its samples choose among those that it has, so that who speaks,
    and in which room, is no cue for what the others alone have. ``library`` keeps what is made of
    the voices; ``shares`` are of the corpora, of which all classes count alike; ``ridge`` is for functionals of unit
    deviation.
    """

    library: FunctionalsLibrary
    shares: Mapping[str, float]
    ridge: float
    strength: float

    def __call__(self, net: Any, about: Finishing) -> Any:
        """The net with the regression on the training part beside it."""
        train = about.split.train
        rows = self.library.takes_of(train, about.split.noises)
        weights = sample_weights(train, self.shares)
        found = regression(rows, train.labels, weights, self.ridge, possible=classes_of_corpora(train))
        return with_prosody_head(net, self.strength * found)


def classes_of_corpora(samples: Samples) -> BoolArray:
    """Of each sample the classes that its corpus has, (samples, 7)."""
    corpora = np.array([corpus_of(name) for name in samples.names])
    possible = np.zeros((len(samples), len(EMOTIONS)), dtype=np.bool_)
    for corpus in np.unique(corpora):
        own = corpora == corpus
        possible[own] = np.isin(np.arange(len(EMOTIONS)), samples.labels[own])
    return possible
