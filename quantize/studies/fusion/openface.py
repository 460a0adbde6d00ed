"""Published answers of other nets to RAVDESS's 1,440 performances, each by a net that never met the actor."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from device.arrays import DoubleArray
from device.readings import EMOTIONS
from quantize.datasets import DatasetError
from quantize.datasets.ravdess import CLIPS_AN_ACTOR, CODES, FOLDS

PerformanceProbs = dict[str, DoubleArray]
"""Probabilities (7,) by performance: the official name without its first field, which is 01 for a film and 03 for its
sound."""

BY_NUMBER = tuple(CODES)
AS_TRAINED = ("05", "02", "07", "06", "03", "01", "04", "08")
"""The order of the columns of the nets that give logits. The files do not tell it: it is that under which the best
column agrees with the label most often, and no other comes near."""
OPENFACE_FOLDER = Path("ravdess_openface") / "posteriors"


@dataclass(frozen=True, slots=True)
class OpenFaceNet:
    """One net's files, ``NAME_fold0.csv`` to ``NAME_fold4.csv``; ``columns`` are RAVDESS's emotion codes."""

    name: str
    columns: tuple[str, ...]
    logits: bool
    rows: Callable[[Path], Iterator[tuple[str, DoubleArray]]]


def performance(name: str) -> str:
    """What a film and its sound share of their official names."""
    return name.partition("-")[2]


def performance_probs(root: Path, net: OpenFaceNet) -> PerformanceProbs:
    """All five folds of a net's answers, its eight classes made seven. Raises ``DatasetError``."""
    found: PerformanceProbs = {}
    for fold in range(len(FOLDS)):
        path = root / OPENFACE_FOLDER / f"{net.name}_fold{fold}.csv"
        found.update(_fold(path, net, FOLDS[fold]))
    return found


def _fold(path: Path, net: OpenFaceNet, actors: tuple[int, ...]) -> PerformanceProbs:
    try:
        found = {performance(name): _seven(values, net) for name, values in net.rows(path)}
    except FileNotFoundError as error:
        raise DatasetError(f"{path}: not there; --root names the folder that holds ravdess_openface") from error
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise DatasetError(f"{path}: not the answers of {net.name} ({error}); get the file again") from error
    strangers = {name for name in found if int(name[-2:]) not in actors}
    if strangers or len(found) != CLIPS_AN_ACTOR * len(actors):
        raise DatasetError(
            f"{path}: {len(found)} performances, {len(strangers)} of them by actors of another fold; "
            f"expected {CLIPS_AN_ACTOR} of each of {actors}"
        )
    return found


def _seven(values: DoubleArray, net: OpenFaceNet) -> DoubleArray:
    if values.shape != (len(net.columns),) or not np.isfinite(values).all():
        raise ValueError(f"a row is not {len(net.columns)} numbers")
    if net.logits:
        values = np.exp(values - values.max())
    seven = np.zeros(len(EMOTIONS))
    for code, value in zip(net.columns, values, strict=True):
        seven[EMOTIONS.index(CODES[code])] += value
    return np.asarray(seven / seven.sum())


def _listed(path: Path) -> Iterator[tuple[str, DoubleArray]]:
    with path.open(encoding="utf-8", newline="") as file:
        for name, values in csv.reader(file):
            yield name.removesuffix(".csv"), np.array(json.loads(values), dtype=np.float64)


def _in_columns(path: Path) -> Iterator[tuple[str, DoubleArray]]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter=";"):
            values = [float(row[f"embs{i}"]) for i in range(len(BY_NUMBER))]
            yield row.get("video_name") or row["name"], np.array(values)


FACE_NETS = (
    OpenFaceNet("face_AUbilstm", AS_TRAINED, logits=True, rows=_listed),
    OpenFaceNet("face_AUmlp", BY_NUMBER, logits=False, rows=_in_columns),
)
VOICE_NET = OpenFaceNet("audio_xlsr", AS_TRAINED, logits=True, rows=_in_columns)
