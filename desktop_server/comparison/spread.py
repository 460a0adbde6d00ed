"""How the differences of two precisions' probabilities are spread over the samples."""

from __future__ import annotations

import numpy as np

from quantize.closeness import Probabilities

STEPS = 100


def difference_quantiles(probs: Probabilities, reference: Probabilities) -> list[float]:
    """Of each sample's largest difference the quantiles 0, 1, … 100 %."""
    largest = np.abs(probs - reference).max(axis=1)
    return [float(q) for q in np.quantile(largest, np.linspace(0, 1, STEPS + 1))]
