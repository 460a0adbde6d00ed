"""FER2013 in its official split: 28,709 + 3,589 + 3,589 faces, 48×48 grey (Goodfellow et al., 2013)."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.readings import EMOTIONS, Emotion
from quantize.datasets.common import Dataset, DatasetError, Samples, Split

FILE = "fer2013_ferplus.npz"
_ARRAYS = ("images", "labels", "usage", "label_names", "usage_names", "pixel_source")


def load(folder: Path) -> Split:
    """Training, PublicTest (validation) and PrivateTest (test), as the challenge divided them.

    Rows whose pixels are not exact leave the training part. ``clean`` is PrivateTest without the pictures that are
    byte-identical to one in Training: FER2013 leaks by itself.
    """
    arrays = _read(folder / FILE)
    usage = arrays["usage_names"][arrays["usage"]]
    everything = _samples(arrays)
    training = everything.where(usage == "Training")
    test = everything.where(usage == "PrivateTest")
    seen = set(training.groups)
    return Split(
        train=everything.where((usage == "Training") & (arrays["pixel_source"] != 1)),
        validation=everything.where(usage == "PublicTest"),
        test=test,
        clean=test.where([group not in seen for group in test.groups]),
        note="official split: Training (without inexact pixels) / PublicTest / PrivateTest; "
        "clean: PrivateTest without the pictures that also stand in Training",
    )


def _read(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        with path.open("rb") as file, np.load(file) as archive:
            return {name: archive[name] for name in _ARRAYS}
    except FileNotFoundError as error:
        raise DatasetError(
            f"{path}: FER2013 is not there; it is the Kaggle challenge "
            f"'challenges-in-representation-learning-facial-expression-recognition-challenge', packed as {FILE}"
        ) from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path}: not a whole FER2013 archive ({error}); copy it again") from error


def _samples(arrays: dict[str, NDArray[np.generic]]) -> Samples:
    order = [EMOTIONS.index(Emotion(str(name))) for name in arrays["label_names"]]
    images = np.asarray(arrays["images"], dtype=np.uint8)
    return Samples(
        names=[f"fer2013#{i}" for i in range(len(images))],
        signals=list(images),
        labels=np.asarray(order, dtype=np.int64)[arrays["labels"]],
        groups=[hashlib.sha256(image.tobytes()).hexdigest()[:16] for image in images],
    )


FER2013 = Dataset(
    name="fer2013",
    kind="face",
    terms="FER2013: for research use; no formal licence was ever published with it",
    load=load,
)
