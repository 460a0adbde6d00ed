"""Learning rate schedules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tf_keras


class WarmupCosineRestarts(tf_keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # tf_keras has no types
    """Cosines from a peak down to 0, one after the other (warm restarts, Loshchilov & Hutter, 2017).

    Each of ``peaks`` is reached in a straight line from 0 within ``warm_up_steps``; ``steps`` are the cycles' lengths.
    """

    def __init__(self, peaks: Sequence[float], steps: Sequence[int], warm_up_steps: int) -> None:
        self.peaks, self.steps, self.warm_up_steps = list(peaks), list(steps), warm_up_steps
        self._cosines = [
            tf_keras.optimizers.schedules.CosineDecay(
                0.0, length - warm_up_steps, warmup_target=peak, warmup_steps=warm_up_steps
            )
            for peak, length in zip(peaks, steps, strict=True)
        ]

    def __call__(self, step: Any) -> Any:
        """The learning rate of ``step``, counted from 0."""
        import tensorflow as tf

        start, rate = 0, self._cosines[0](step)
        for cosine, length in zip(self._cosines[1:], self.steps, strict=False):
            start += length
            rate = tf.where(step < start, rate, cosine(step - start))
        return rate

    def get_config(self) -> dict[str, Any]:
        """What another one like it is made of."""
        return {"peaks": self.peaks, "steps": self.steps, "warm_up_steps": self.warm_up_steps}
