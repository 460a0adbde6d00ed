"""Prosody head: a linear regression beside a net that has learnt from spectra."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.arrays import BoolArray, DoubleArray
from device.readings import EMOTIONS
from quantize.augment.copies import CopyLibrary
from quantize.logistic import fitted
from quantize.training.architectures import PROSODY, SPECTRA
from quantize.training.batches import sample_weights
from quantize.training.recipe import Finishing


@dataclass(frozen=True, slots=True)
class FitProsody:
    """Finish step: ``strength`` times the logits of a regression on prosody are added to the net's.

    That is the product of two classifiers, each fitted by itself. Trained together, the spectra of a few corpora, which
    tell the emotions of these better, would leave nothing to learn to what holds for other voices too. ``library`` is
    where the plan's own copies are; ``shares`` are of the corpora, of which all classes count alike; ``ridge`` is for
    statistics of about unit deviation.
    """

    library: CopyLibrary
    shares: Mapping[str, float]
    ridge: float
    strength: float

    def __call__(self, net: Any, about: Finishing) -> Any:
        """The net with the regression on the training part beside it."""
        train = about.split.train
        rows = self.library.prosody_of(train, about.split.noises)
        weights = sample_weights(train, self.shares)
        return with_prosody_head(net, self.strength * regression(rows, train.labels, weights, self.ridge))


def regression(
    rows: NDArray[np.float32],
    labels: NDArray[np.int64],
    weights: DoubleArray,
    ridge: float,
    possible: BoolArray | None = None,
) -> DoubleArray:
    """Weights (features and a constant, 7) that make the labels likeliest in all takes (segments, takes, features).

    ``possible`` (segments, 7) are the classes that a segment can be of, all if not given.
    """
    segments, takes, width = rows.shape
    flat = np.column_stack([rows.reshape(-1, width), np.ones(segments * takes)]).astype(np.float64)
    targets = np.eye(len(EMOTIONS))[np.repeat(labels, takes)]
    among = None if possible is None else np.repeat(possible, takes, axis=0)
    return fitted(flat, targets, np.append(np.full(width, ridge), 0.0), np.repeat(weights, takes), among)


def with_prosody_head(net: Any, weights: DoubleArray) -> Any:
    """A copy of ``net`` to whose logits ``weights`` (40 and a constant, 7) add what they make of prosody."""
    import tf_keras

    copy = tf_keras.models.clone_model(net)
    copy.set_weights(net.get_weights())
    kernel, bias = copy.get_layer(SPECTRA).get_weights()
    copy.get_layer(SPECTRA).set_weights([kernel, bias + weights[-1]])
    copy.get_layer(PROSODY).set_weights([weights[:-1]])
    return copy
