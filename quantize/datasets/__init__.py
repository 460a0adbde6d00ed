"""The corpora by name, each in its official layout and split."""

from __future__ import annotations

from quantize.datasets.ckplus import CKPLUS
from quantize.datasets.common import (
    Dataset,
    DatasetError,
    LazySignals,
    Samples,
    Split,
    UnreadableSignal,
    of_emotions,
    only_a_test,
)
from quantize.datasets.fer2013 import FER2013
from quantize.datasets.ferplus import FERPLUS
from quantize.datasets.folder import FOLDER_OF_PICTURES, FOLDER_OF_SOUNDS
from quantize.datasets.named_corpora import CREMA_D, EMODB, EMOVO, JAFFE, KDEF, NEMO, RAKSHAK, TESS, TUREV
from quantize.datasets.ravdess import RAVDESS, RAVDESS_FOLDS, TEST_FOLD

_FACES = (FER2013, FERPLUS, JAFFE, CKPLUS, KDEF, FOLDER_OF_PICTURES)
_VOICES = (RAVDESS, *RAVDESS_FOLDS, TESS, NEMO, CREMA_D, EMODB, EMOVO, TUREV, RAKSHAK, FOLDER_OF_SOUNDS)
DATASETS = {(dataset.name, dataset.kind): dataset for dataset in (*_FACES, *_VOICES)}
"""By name and kind: ``folder`` holds faces for one model and voices for another."""
NAMES = tuple(dict.fromkeys(name for name, _ in DATASETS))


def find_dataset(name: str, kind: str) -> Dataset:
    """The corpus called ``name``, for a model of this kind. Raises ``DatasetError`` that lists those there are."""
    try:
        return DATASETS[name, kind]
    except KeyError as error:
        usable = ", ".join(own for own, its_kind in DATASETS if its_kind == kind)
        raise DatasetError(f"{name} cannot score a {kind} model; these can: {usable}") from error


__all__ = [
    "DATASETS",
    "FER2013",
    "FERPLUS",
    "NAMES",
    "NEMO",
    "RAVDESS",
    "RAVDESS_FOLDS",
    "TESS",
    "TEST_FOLD",
    "Dataset",
    "DatasetError",
    "LazySignals",
    "Samples",
    "Split",
    "UnreadableSignal",
    "find_dataset",
    "of_emotions",
    "only_a_test",
]
