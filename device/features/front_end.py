"""Front ends: from a sensor's signals to what a net takes, the same live and replayed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from device.stages import Consumed


@dataclass(frozen=True, eq=False, slots=True)
class ModelInput:
    """One input of a net: float32 of its card's shape without the batch, and how good the signal was, in 0…1.

    ``captured_ns`` is the monotonic capture time, of speech that of the window's end.
    """

    captured_ns: int
    values: NDArray[np.float32]
    quality: float


class FrontEnd(Protocol[Consumed]):
    """Signal processing before a net. It belongs to one stream of signals."""

    def __call__(self, signal: Consumed, /) -> ModelInput | None:
        """What the net is asked of this signal; ``None`` for no face, silence, or not enough yet."""

    def follow_up(self) -> None:
        """Work for the signals after, which the newest reading need not wait for. Call it before the next signal."""

    def finish(self) -> ModelInput | None:
        """What is still due when the stream ends."""


def ramp(value: float, ends: tuple[float, float]) -> float:
    """Quality: 0 at the first end, 1 at the second, straight between."""
    zero, one = ends
    return min(1.0, max(0.0, (value - zero) / (one - zero)))
