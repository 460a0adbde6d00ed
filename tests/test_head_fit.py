"""Fitting an answer anew: a logistic regression on what the net sees, and nothing else of the net changes."""

import numpy as np
import pytest
from quiet import QUIET_TENSORFLOW
from scipy.special import softmax

from quantize.logistic import fitted
from quantize.training.architectures import affectd_face
from quantize.training.head_fit import head_refitted

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]

LABELS = np.arange(42) % 7


def test_a_regression_finds_what_made_the_labels() -> None:
    rng = np.random.default_rng(1)
    features = np.column_stack([rng.normal(size=(20_000, 3)), np.ones(20_000)])
    truth = rng.normal(size=(4, 3))
    found = fitted(features, softmax(features @ truth, axis=1), 0.0)
    np.testing.assert_allclose(
        found - found.mean(axis=1, keepdims=True), truth - truth.mean(axis=1, keepdims=True), atol=0.02
    )


def test_a_ridge_makes_the_weights_small_but_spares_a_constant_that_costs_nothing() -> None:
    features = np.column_stack([np.tile([1.0, -1.0], 50), np.ones(100)])
    targets = np.tile([[0.9, 0.1], [0.5, 0.5]], (50, 1))
    free, costly = fitted(features, targets, 0.0), fitted(features, targets, np.array([10.0, 0.0]))
    assert abs(costly[0]).max() < 0.1 * abs(free[0]).max()
    np.testing.assert_allclose(softmax(features @ costly, axis=1).mean(axis=0), targets.mean(axis=0), atol=1e-3)


def test_an_answer_fitted_anew_says_the_labels_and_the_other_stays_what_it_was() -> None:
    import tf_keras

    tf_keras.utils.set_random_seed(1)
    net = affectd_face(tf_keras)
    faces = np.random.default_rng(1).random((len(LABELS), 48, 48, 1), dtype=np.float32)
    before = net.predict(faces, verbose=0)
    after = head_refitted(net, head=1, inputs=faces, labels=LABELS, ridge=1e-4).predict(faces, verbose=0)
    np.testing.assert_allclose(after[:, 0], before[:, 0], atol=1e-6)
    assert (before[:, 1].argmax(axis=1) == LABELS).mean() < 0.5
    assert (after[:, 1].argmax(axis=1) == LABELS).all()
    unfitted = net.predict(faces, verbose=0)
    np.testing.assert_array_equal(unfitted, before)  # the net that was given is left alone


@pytest.mark.parametrize("ridge", [1e-3, 1.0])
def test_the_surer_the_more_the_ridge_is_spared(ridge: float) -> None:
    import tf_keras

    tf_keras.utils.set_random_seed(1)
    net = affectd_face(tf_keras)
    faces = np.random.default_rng(1).random((len(LABELS), 48, 48, 1), dtype=np.float32)
    answers = head_refitted(net, head=1, inputs=faces, labels=LABELS, ridge=ridge).predict(faces, verbose=0)[:, 1]
    assert (answers.max(axis=1).mean() > 0.5) == (ridge < 1)
