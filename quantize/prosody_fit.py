"""The linear way from prosody to an answer, fitted beside a net that has learnt from spectra."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.readings import EMOTIONS
from quantize.architectures import PROSODY, SPECTRA
from quantize.courses import sample_weights
from quantize.datasets import Split
from quantize.logistic import Floats, fitted
from quantize.recipe import ProsodyFit


def with_prosody(net: Any, split: Split, plan: ProsodyFit) -> Any:
    """A copy of ``net`` to whose logits ``plan.strength`` times those of a regression on prosody are added.

    That is the product of two classifiers, each fitted by itself. Trained together, the spectra of a few corpora, which
    tell the emotions of these better, would leave nothing to learn to what holds for other voices too.
    """
    takes = plan.library.takes_of(split.train, split.noises)
    found = plan.strength * regression(
        takes.prosody, split.train.labels, sample_weights(split.train, plan.shares), plan.ridge
    )
    return with_answer(net, found)


def regression(rows: NDArray[np.float32], labels: NDArray[np.int64], weights: Floats, ridge: float) -> Floats:
    """Weights (features and a constant, 7) that make the labels likeliest in all takes (stretches, takes, features)."""
    stretches, takes, width = rows.shape
    flat = np.column_stack([rows.reshape(-1, width), np.ones(stretches * takes)]).astype(np.float64)
    targets = np.eye(len(EMOTIONS))[np.repeat(labels, takes)]
    return fitted(flat, targets, np.append(np.full(width, ridge), 0.0), np.repeat(weights, takes))


def with_answer(net: Any, weights: Floats) -> Any:
    """A copy of ``net`` to whose logits ``weights`` (40 and a constant, 7) add what they make of prosody."""
    import tf_keras

    copy = tf_keras.models.clone_model(net)
    copy.set_weights(net.get_weights())
    kernel, bias = copy.get_layer(SPECTRA).get_weights()
    copy.get_layer(SPECTRA).set_weights([kernel, bias + weights[-1]])
    copy.get_layer(PROSODY).set_weights([weights[:-1]])
    return copy
