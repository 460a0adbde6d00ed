"""A recogniser: a front end and a net, from a signal to a reading."""

from __future__ import annotations

from typing import Generic

import numpy as np
from numpy.typing import NDArray

from device.features.front_end import FrontEnd, ModelInput
from device.models.net import Net
from device.models.probabilities import served
from device.readings import Modality, Probabilities, Reading
from device.stages import Consumed


class EmotionRecogniser(Generic[Consumed]):
    """The readings of one stream of signals. It belongs to one thread, as its front end and its net do."""

    def __init__(
        self, modality: Modality, front_end: FrontEnd[Consumed], net: Net, *, same_within: float = 0.0
    ) -> None:
        """An input that hardly differs from the last one read is not read again.

        That is on average by less than ``same_within`` of that one's own deviation: a dim one is not the same sooner.
        """
        self._modality, self._front_end, self._net = modality, front_end, net
        self._same_within = same_within
        self._last: tuple[NDArray[np.float32], Probabilities] | None = None

    def __call__(self, signal: Consumed) -> Reading | None:
        """The reading that this signal brings; ``None`` where the front end has no input for the net."""
        return self._reading(self._front_end(signal))

    def follow_up(self) -> None:
        """What the front end does for the signals after."""
        self._front_end.follow_up()

    def finish(self) -> Reading | None:
        """The reading that is still due when the stream ends."""
        return self._reading(self._front_end.finish())

    def _reading(self, given: ModelInput | None) -> Reading | None:
        if given is None:
            return None
        if self._last and _difference(given.values, self._last[0]) < self._same_within:
            return Reading(self._modality, given.captured_ns, self._last[1], given.quality)
        reading = read(self._modality, self._net, given)
        self._last = given.values, reading.probs
        return reading


def read(modality: Modality, net: Net, given: ModelInput) -> Reading:
    """What the net makes of one input."""
    (output,) = net(given.values)
    return Reading(modality, given.captured_ns, served(net.card, output), given.quality)


def _difference(values: NDArray[np.float32], read: NDArray[np.float32]) -> float:
    """Mean absolute difference by the standard deviation of what was read; as large as can be where that is flat."""
    deviation = float(read.std())
    return float(np.abs(values - read).mean()) / deviation if deviation > 0 else float("inf")
