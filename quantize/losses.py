"""What training makes smaller, for nets with several answers."""

from __future__ import annotations

from typing import Any

LEAST_PROBABILITY = 1e-7


def cross_entropy_of_answers(targets: Any, answers: Any) -> Any:
    """Cross-entropy in nats, summed over the answers: both tensors are (batch, answers, 7).

    A target that sums to less than 1 weighs less, one of zeros nothing.
    """
    import tensorflow as tf

    logs = tf.math.log(tf.maximum(answers, LEAST_PROBABILITY))
    return -tf.reduce_sum(targets * logs, axis=(1, 2))
