"""Taking the classes' shares from an answer: rare classes are said more often, the other answer stays what it was."""

import numpy as np
import pytest
from quiet import QUIET_TENSORFLOW

from quantize.training.architectures import affectd_face
from quantize.training.head_fit import log_shares, logit_adjusted

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]

LABELS = np.repeat(np.arange(7), [40, 4, 41, 72, 50, 48, 32])


def test_an_answer_without_priors_is_the_old_one_by_the_power_of_the_shares_and_the_other_is_untouched() -> None:
    import tf_keras

    net = affectd_face(tf_keras)
    faces = np.random.default_rng(1).random((5, 48, 48, 1), dtype=np.float32)
    before = net.predict(faces, verbose=0)
    after = logit_adjusted(net, head=1, labels=LABELS, strength=0.5).predict(faces, verbose=0)
    np.testing.assert_allclose(after[:, 0], before[:, 0], atol=1e-6)
    by_hand = before[:, 1] / np.exp(log_shares(LABELS)) ** 0.5
    np.testing.assert_allclose(after[:, 1], by_hand / by_hand.sum(axis=1, keepdims=True), atol=1e-6)
    assert (after[:, 1, 1] > before[:, 1, 1]).all()


def test_a_strength_of_0_changes_nothing() -> None:
    import tf_keras

    net = affectd_face(tf_keras)
    same = logit_adjusted(net, head=1, labels=LABELS, strength=0.0)
    for old, new in zip(net.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
