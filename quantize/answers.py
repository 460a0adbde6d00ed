"""What of a net's outputs is one answer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.metrics import CLASSES


def answer_of(outputs: NDArray[Any], number: int = 0) -> NDArray[np.float32]:
    """Probabilities, float32 (n, 7), of outputs (n, 7) or (n, answers, 7): by default the served answer's."""
    return np.asarray(outputs.reshape(len(outputs), -1, CLASSES)[:, number], dtype=np.float32)
