"""Multinomial logistic regression: which linear function of features makes the labels likeliest."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import softmax

from device.arrays import BoolArray, DoubleArray


def fitted(
    features: DoubleArray,
    targets: DoubleArray,
    ridge: DoubleArray | float,
    weights: DoubleArray | None = None,
    possible: BoolArray | None = None,
) -> DoubleArray:
    """Weights (features, classes) with the least mean cross-entropy plus ``ridge`` · weight².

    ``features`` (samples, features) have a column of ones where a constant is wanted; ``targets`` (samples, classes)
    are distributions. ``ridge`` is one number, or one for each feature. ``weights`` (samples,) says how much each
    sample counts, all alike if not given; ``possible`` (samples, classes) which classes it can be of, all if not given.
    """
    shape = features.shape[1], targets.shape[1]
    excluded = 0.0 if possible is None else np.where(possible, 0.0, -np.inf)
    shares = np.full(len(features), 1.0) if weights is None else weights
    shares = (shares / shares.sum())[:, np.newaxis]
    costs = np.broadcast_to(ridge, shape[0])[:, np.newaxis]

    def loss(flat: DoubleArray) -> tuple[float, DoubleArray]:
        slopes = flat.reshape(shape)
        probs = softmax(features @ slopes + excluded, axis=1)
        entropy = -(shares * np.log(np.maximum(probs, 1e-12)) * targets).sum()
        change = features.T @ (shares * (probs - targets)) + 2 * costs * slopes
        return float(entropy + (costs * slopes**2).sum()), change.ravel()

    found: Any = minimize(loss, np.zeros(shape[0] * shape[1]), jac=True, method="L-BFGS-B")
    return np.asarray(found.x.reshape(shape))
