"""Preprocessing of samples: faces cut out, clips cut to their voiced segment, as the appliance does it.

Those of which it would say nothing are left out, and so are those that do not decode.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from rich.progress import track

from quantize.datasets import DatasetError, Samples, Split, UnreadableSignal
from quantize.inputs.front_ends import CorpusFrontEnd


def preprocess(front_end: CorpusFrontEnd, samples: Samples, what: str, known: dict[str, Any] | None = None) -> Samples:
    """The samples that the appliance would read, their signals replaced by what it would read them from.

    Those that do not decode are named in ``unreadable``. What is ``known`` by a sample's name is not preprocessed
    again, and what is preprocessed is added to it. Raises ``DatasetError`` if nothing decodes.
    """
    known = {} if known is None else known
    signals: list[Any | None] = []
    unreadable: list[str] = []
    for i in track(range(len(samples)), f"preparing {what}", transient=True):
        try:
            if samples.names[i] not in known:
                known[samples.names[i]] = front_end.preprocess(samples.signals[i])
            signals.append(known[samples.names[i]])
        except UnreadableSignal as error:
            signals.append(None)
            unreadable.append(str(error))
    if unreadable and len(unreadable) == len(samples):
        raise DatasetError(f"not one of {len(samples)} files can be read; the first is {unreadable[0]}")
    signals_or_empty = [np.zeros(0) if signal is None else signal for signal in signals]
    kept = replace(samples, signals=signals_or_empty, unreadable=(*samples.unreadable, *unreadable))
    return kept.where([signal is not None for signal in signals])


def preprocess_for_training(front_end: CorpusFrontEnd, split: Split, known: dict[str, Any] | None = None) -> Split:
    """The split with its training and validation part preprocessed; the test part is left alone."""
    return replace(
        split,
        train=preprocess(front_end, split.train, "training", known),
        validation=preprocess(front_end, split.validation, "validation"),
    )
