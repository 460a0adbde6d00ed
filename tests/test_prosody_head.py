"""The answer to prosody: a regression beside the net that leaves what that one has learnt alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from quiet import QUIET_TENSORFLOW
from scipy.special import softmax

from quantize.logistic import fitted
from quantize.training.architectures import affectd_speech
from quantize.training.prosody_head import regression, with_prosody_head

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]

LABELS = np.arange(140) % 7
ROWS = np.random.default_rng(1).normal(0, 0.3, (140, 2, 40)).astype(np.float32)
ROWS[:, :, :7] += np.eye(7)[LABELS][:, np.newaxis]


@pytest.fixture(scope="module")
def net() -> Any:
    import tf_keras

    tf_keras.utils.set_random_seed(1)
    return affectd_speech(tf_keras)


def heard(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    spectra = np.random.default_rng(2).normal(size=(len(rows), 128, 40)).astype(np.float32)
    return np.concatenate([spectra, rows[:, np.newaxis].astype(np.float32)], axis=1)[..., np.newaxis]


def test_a_net_that_was_told_nothing_of_prosody_does_not_hear_it(net: Any) -> None:
    loud, none = (net.predict(heard(rows), verbose=0) for rows in (ROWS[:7, 0], 0 * ROWS[:7, 0]))
    np.testing.assert_array_equal(loud, none)


def test_its_answer_is_the_product_of_the_nets_and_the_regressions(net: Any) -> None:
    found = regression(ROWS, LABELS, np.ones(len(LABELS)), 0.01)
    rows = ROWS[:, 0]
    alone, both = net.predict(heard(rows), verbose=0), with_prosody_head(net, found).predict(heard(rows), verbose=0)
    of_prosody = softmax(np.column_stack([rows, np.ones(len(rows))]) @ found, axis=1)
    product = alone * of_prosody
    np.testing.assert_allclose(both, product / product.sum(axis=1, keepdims=True), atol=1e-5)
    assert (both.argmax(axis=1) == LABELS).mean() > 0.9
    np.testing.assert_array_equal(net.predict(heard(rows), verbose=0), alone)  # the net that was given is left alone


def test_all_takes_of_a_stretch_count_and_each_as_much_as_it_weighs() -> None:
    contrary = np.concatenate([ROWS, np.roll(ROWS, 1, axis=2)])
    both = np.concatenate([LABELS, LABELS])
    first = np.concatenate([np.ones(len(LABELS)), np.zeros(len(LABELS))])
    alone = regression(ROWS, LABELS, np.ones(len(LABELS)), 0.01)
    np.testing.assert_allclose(regression(contrary, both, first, 0.01), alone, atol=1e-3)
    assert not np.allclose(regression(contrary, both, np.ones(len(both)), 0.01), alone, atol=1e-2)
    assert not np.allclose(regression(ROWS[:, :1], LABELS, np.ones(len(LABELS)), 0.01), alone, atol=1e-3)


def test_a_sample_that_weighs_two_is_as_good_as_two_samples() -> None:
    features = np.column_stack([np.linspace(-1, 1, 10), np.ones(10)])
    targets = np.eye(2)[(np.arange(10) * 7 % 10 > 4).astype(int)]
    doubled = fitted(np.concatenate([features, features[:3]]), np.concatenate([targets, targets[:3]]), 0.01)
    weights = np.where(np.arange(10) < 3, 2.0, 1.0)
    np.testing.assert_allclose(fitted(features, targets, 0.01, weights), doubled, atol=1e-3)
