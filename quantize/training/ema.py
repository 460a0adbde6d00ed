"""Exponential moving average (EMA) of weights, and interpolation: means that answer better than what they are of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quantize.training.recipe import Finishing


class ExponentialMovingAverage:
    """Exponential mean of a net's weights, statistics of batch normalisation too (Polyak & Juditsky, 1992).

    ``net`` answers; it is of the same layers as ``working`` and is changed by ``follow`` alone. ``decay`` is what a
    step keeps of the mean. Early on it keeps less, (1 + t) / (10 + t) after t steps, so that the first weights fade.
    """

    def __init__(self, net: Any, working: Any, decay: float) -> None:
        import tensorflow as tf

        self.net = net
        self._working = working
        self._decay = decay
        self._assign = tf.function(self._assign_weights)

    def follow(self) -> None:
        """Take in the working net's weights, once after each of its steps."""
        self._assign()

    def _assign_weights(self) -> None:
        import tensorflow as tf

        steps = tf.cast(self._working.optimizer.iterations, tf.float32)
        kept = tf.minimum(self._decay, (1.0 + steps) / (10.0 + steps))
        for mean, weight in zip(self.net.weights, self._working.weights, strict=True):
            mean.assign(kept * mean + (1.0 - kept) * weight)


@dataclass(frozen=True, slots=True)
class Interpolate:
    """Finish step: from the weights that the net began with only ``share`` of the way is gone."""

    share: float

    def __call__(self, net: Any, about: Finishing) -> Any:
        """``interpolated`` between both."""
        return interpolated(about.initial(), net, self.share)


def interpolated(before: Any, after: Any, share: float) -> Any:
    """A net on the straight way from ``before`` to ``after``, two nets of the same layers: ``share`` of it gone.

    Where a net was trained on from what it had learnt, what lies between both often answers better than either
    (Wortsman et al., 2022, WiSE-FT).
    """
    import tf_keras

    net = tf_keras.models.clone_model(after)
    pairs = zip(before.get_weights(), after.get_weights(), strict=True)
    net.set_weights([(1 - share) * old + share * new for old, new in pairs])
    return net
