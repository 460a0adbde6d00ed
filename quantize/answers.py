"""What of a net's output is the answer that the appliance serves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantize.metrics import CLASSES


def served(outputs: NDArray[Any]) -> NDArray[np.float32]:
    """The served probabilities, float32 (n, 7), of outputs (n, 7) or (n, answers, 7): the first answer."""
    return np.asarray(outputs.reshape(len(outputs), -1, CLASSES)[:, 0], dtype=np.float32)
