"""The corpora by name, each in its official layout and split."""

from __future__ import annotations

from quantize.datasets.common import Dataset, DatasetError, Samples, Split
from quantize.datasets.fer2013 import FER2013
from quantize.datasets.ravdess import RAVDESS

DATASETS = {dataset.name: dataset for dataset in (FER2013, RAVDESS)}

__all__ = ["DATASETS", "FER2013", "RAVDESS", "Dataset", "DatasetError", "Samples", "Split"]
