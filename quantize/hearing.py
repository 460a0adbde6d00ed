"""Samples as the appliance's sensors' side hands them on: clips cut to their voiced stretch, silent ones left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from rich.progress import track

from quantize.datasets import Samples, Split
from quantize.inputs import FrontEnd


def heard(front_end: FrontEnd, samples: Samples, what: str) -> Samples:
    """The samples that the appliance would read, their signals replaced by what it would read them from."""
    signals = [front_end.heard(signal) for signal in track(samples.signals, f"preparing {what}", transient=True)]
    heard_or_empty = [np.zeros(0) if signal is None else signal for signal in signals]
    return replace(samples, signals=heard_or_empty).where([signal is not None for signal in signals])


def heard_for_training(front_end: FrontEnd, split: Split) -> Split:
    """The split with its training and validation part heard; the test part is left alone."""
    return replace(
        split,
        train=heard(front_end, split.train, "training"),
        validation=heard(front_end, split.validation, "validation"),
    )
