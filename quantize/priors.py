"""Answers that favour frequent classes less than the corpus does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.readings import EMOTIONS
from quantize.logistic import Floats
from quantize.refit import last_dense


def without_priors(net: Any, *, answer: int, labels: NDArray[np.int64], strength: float) -> Any:
    """A copy of ``net`` whose answer number ``answer`` has its logits less ``strength`` · log(share of the class).

    Logit adjustment (Menon et al., 2021): at 1 all classes count alike as far as training had them in other shares,
    at 0 nothing changes. The shares are those of ``labels``. The net's last dense layer must give all answers' logits.
    """
    import tf_keras

    even = tf_keras.models.clone_model(net)
    even.set_weights(net.get_weights())
    dense = last_dense(even)
    kernel, bias = dense.get_weights()
    rows = bias.reshape(-1, len(EMOTIONS))
    rows[answer] -= strength * log_shares(labels)
    dense.set_weights([kernel, rows.reshape(bias.shape)])
    return even


def log_shares(labels: NDArray[np.int64]) -> Floats:
    """The logarithm of each class's share in labels that have all of them, (7,)."""
    return np.log(np.bincount(labels, minlength=len(EMOTIONS)) / len(labels))
