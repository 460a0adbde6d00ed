"""Fit of a classification head once the rest of the net has been trained, and logit adjustment for rare classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.arrays import DoubleArray, FloatArray
from device.readings import EMOTIONS
from quantize.logistic import fitted
from quantize.training.architectures import copy_of
from quantize.training.recipe import Finishing


@dataclass(frozen=True, slots=True)
class FitHead:
    """Finish step: the last layer of the head of this name is fitted anew."""

    head: str
    ridge: float

    def __call__(self, net: Any, about: Finishing) -> Any:
        """``head_refitted`` on the training part as it is served."""
        recipe, samples = about.recipe, about.split.train
        inputs = recipe.front_end.inputs(samples)
        number = recipe.head_number(self.head)
        return head_refitted(net, head=number, inputs=inputs, labels=samples.labels, ridge=self.ridge)


@dataclass(frozen=True, slots=True)
class AdjustLogits:
    """Finish step: the classes' shares are taken from the head of this name, ``strength`` of their logarithms."""

    head: str
    strength: float

    def __call__(self, net: Any, about: Finishing) -> Any:
        """``logit_adjusted`` by the shares of the training part."""
        number = about.recipe.head_number(self.head)
        return logit_adjusted(net, head=number, labels=about.split.train.labels, strength=self.strength)


def head_refitted(net: Any, *, head: int, inputs: FloatArray, labels: NDArray[np.int64], ridge: float) -> Any:
    """A copy of ``net`` whose head number ``head`` is a logistic regression of ``labels`` on what the rest sees.

    Training a classifier apart from what it stands on (Kang et al., 2020): the features are made with soft targets on
    varied pictures, the head with the labels themselves on ``inputs`` as they are served. ``ridge`` is for features
    of unit deviation. The net's last dense layer must give all heads' logits.
    """
    import tf_keras

    copy = copy_of(net)
    dense = last_dense(copy)
    features = tf_keras.Model(copy.input, dense.input).predict(inputs, batch_size=256, verbose=0)
    weights, constants = _regression(features.astype(np.float64), np.eye(len(EMOTIONS))[labels], ridge)
    kernel, bias = dense.get_weights()
    columns = slice(head * len(EMOTIONS), (head + 1) * len(EMOTIONS))
    kernel[:, columns], bias[columns] = weights, constants
    dense.set_weights([kernel, bias])
    return copy


def last_dense(net: Any) -> Any:
    """The dense layer that gives the logits."""
    import tf_keras

    return [layer for layer in net.layers if isinstance(layer, tf_keras.layers.Dense)][-1]


def _regression(features: DoubleArray, targets: DoubleArray, ridge: float) -> tuple[DoubleArray, DoubleArray]:
    """Weights and constants for the features as they are."""
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-6
    even = np.column_stack([(features - mean) / deviation, np.ones(len(features))])
    costs = np.append(np.full(features.shape[1], ridge), 0.0)
    found = fitted(even, targets, costs)
    weights = found[:-1] / deviation[:, np.newaxis]
    return weights, found[-1] - mean @ weights


def logit_adjusted(net: Any, *, head: int, labels: NDArray[np.int64], strength: float) -> Any:
    """A copy of ``net`` whose head number ``head`` has its logits less ``strength`` · log(share of the class).

    Logit adjustment (Menon et al., 2021): at 1 all classes count alike as far as training had them in other shares,
    at 0 nothing changes. The shares are those of ``labels``. The net's last dense layer must give all heads' logits.
    """
    even = copy_of(net)
    dense = last_dense(even)
    kernel, bias = dense.get_weights()
    rows = bias.reshape(-1, len(EMOTIONS))
    rows[head] -= strength * log_shares(labels)
    dense.set_weights([kernel, rows.reshape(bias.shape)])
    return even


def log_shares(labels: NDArray[np.int64]) -> DoubleArray:
    """The logarithm of each class's share in labels that have all of them, (7,)."""
    return np.log(np.bincount(labels, minlength=len(EMOTIONS)) / len(labels))
