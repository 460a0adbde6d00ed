"""An answer's last layer, fitted anew once the rest of the net has been trained."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.readings import EMOTIONS
from quantize.logistic import Floats, fitted

Inputs = NDArray[np.float32]


def refitted(net: Any, *, answer: int, inputs: Inputs, labels: NDArray[np.int64], ridge: float) -> Any:
    """A copy of ``net`` whose answer number ``answer`` is a logistic regression of ``labels`` on what the rest sees.

    Training a classifier apart from what it stands on (Kang et al., 2020): the features are made with soft targets on
    varied pictures, the answer with the labels themselves on ``inputs`` as they are served. ``ridge`` is for features
    of unit deviation. The net's last dense layer must give all answers' logits.
    """
    import tf_keras

    copy = tf_keras.models.clone_model(net)
    copy.set_weights(net.get_weights())
    dense = last_dense(copy)
    features = tf_keras.Model(copy.input, dense.input).predict(inputs, batch_size=256, verbose=0)
    weights, constants = _regression(features.astype(np.float64), np.eye(len(EMOTIONS))[labels], ridge)
    kernel, bias = dense.get_weights()
    columns = slice(answer * len(EMOTIONS), (answer + 1) * len(EMOTIONS))
    kernel[:, columns], bias[columns] = weights, constants
    dense.set_weights([kernel, bias])
    return copy


def last_dense(net: Any) -> Any:
    """The dense layer that gives the logits."""
    import tf_keras

    return [layer for layer in net.layers if isinstance(layer, tf_keras.layers.Dense)][-1]


def _regression(features: Floats, targets: Floats, ridge: float) -> tuple[Floats, Floats]:
    """Weights and constants for the features as they are."""
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-6
    even = np.column_stack([(features - mean) / deviation, np.ones(len(features))])
    costs = np.append(np.full(features.shape[1], ridge), 0.0)
    found = fitted(even, targets, costs)
    weights = found[:-1] / deviation[:, np.newaxis]
    return weights, found[-1] - mean @ weights
