"""FER2013 in its official split: 28,709 + 3,589 + 3,589 faces, 48×48 grey (Goodfellow et al., 2013)."""

from __future__ import annotations

from pathlib import Path

from quantize.datasets.common import Dataset, Split
from quantize.datasets.fer2013_rows import read_rows


def _load(folder: Path) -> Split:
    """Training, PublicTest (validation) and PrivateTest (test), as the challenge divided them.

    Rows whose pixels are not exact leave the training part. ``clean`` is PrivateTest without the pictures that are
    byte-identical to one in Training: FER2013 leaks by itself.
    """
    rows = read_rows(folder)
    everything = rows.samples
    training = everything.where(rows.usage == "Training")
    test = everything.where(rows.usage == "PrivateTest")
    seen = set(training.groups)
    return Split(
        train=everything.where((rows.usage == "Training") & rows.exact),
        validation=everything.where(rows.usage == "PublicTest"),
        test=test,
        clean=test.where([group not in seen for group in test.groups]),
        note="official split: Training (without inexact pixels) / PublicTest / PrivateTest; "
        "clean: PrivateTest without the pictures that also stand in Training",
        remarks=rows.remarks,
    )


FER2013 = Dataset(
    name="fer2013",
    kind="face",
    terms="FER2013: for research use; no formal licence was ever published with it",
    load=_load,
    head="fer2013",
)
