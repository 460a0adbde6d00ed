"""Arrays by what their numbers are. Shapes stand where an array is taken or given."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
"""What nets take and give."""

DoubleArray = NDArray[np.float64]
"""What is worked out between them."""

GreyArray = NDArray[np.uint8]
"""A grey picture, (height, width), 0 black."""

PcmArray = NDArray[np.int16]
"""Sound, (samples,): linear PCM, mono, ``device.signals.SAMPLE_RATE_HZ`` unless another rate is said."""

BoolArray = NDArray[np.bool_]

LabelArray = NDArray[np.int64]
"""Classes by their place in ``device.readings.EMOTIONS``, (samples,)."""
