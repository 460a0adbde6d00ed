"""What looks or sounds like a person. Nothing that publishes may import this module (import-linter holds it)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
"""Every sound inside affectd is mono at this rate; sources convert at the door."""


@dataclass(frozen=True, eq=False, slots=True)
class Frame:
    """One grey picture.

    ``captured_ns`` is the monotonic time at the sensor; ``grey`` is uint8, (height, width). ``is_alone``: no other
    picture follows in which a face could be found that is missed in this one.
    """

    captured_ns: int
    grey: NDArray[np.uint8]
    is_alone: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class AudioBlock:
    """A piece of one sound stream: int16, mono, 16 kHz.

    ``captured_ns`` is the monotonic time of the first sample, ``first_sample`` its number in the stream:
    a block that does not start where the last one ended follows a gap.
    """

    captured_ns: int
    first_sample: int
    samples: NDArray[np.int16]

    @property
    def end_sample(self) -> int:
        """The number of the sample after the last one."""
        return self.first_sample + len(self.samples)


AnySignal = Frame | AudioBlock
"""What sensors give."""
