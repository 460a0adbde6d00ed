"""FER+: FER2013's faces, each with the votes of ten people (Barsoum et al., 2016)."""

from __future__ import annotations

import csv
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.readings import EMOTIONS
from quantize.datasets.common import Dataset, DatasetError, Split
from quantize.datasets.fer2013_rows import ARCHIVE, TABLES, read_rows
from quantize.datasets.labels import emotion_called

_TABLE = "fer2013new.csv"
_SOURCE = f"{_TABLE} of github.com/microsoft/FERPlus, beside FER2013's own {TABLES[0]}; or {ARCHIVE}, which holds both"
ANSWERS = (
    *("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"),
    *("contempt", "unknown", "NF"),  # none of the seven; NF: not a face
)
"""What people could say, in the order of the columns."""
SEVEN = [EMOTIONS.index(emotion) for emotion in map(emotion_called, ANSWERS[:7]) if emotion]
_OUTSIDE = -1

Votes = NDArray[np.int64]


def _load(folder: Path) -> Split:
    """FER2013's official parts, with the label that most people gave; rows without one of the seven are left out.

    The authors' majority: an answer of a single person does not count, and the leading one must have more than half
    of what is left.
    """
    rows = read_rows(folder)
    labels = majority(read_votes(folder)[rows.number])
    samples = replace(rows.samples, labels=labels)
    agreed = labels != _OUTSIDE
    test = samples.where(agreed & (rows.usage == "PrivateTest"))
    training = rows.usage == "Training"
    seen = {group for group, is_training in zip(samples.groups, training, strict=True) if is_training}
    return Split(
        train=samples.where(agreed & training & rows.exact),
        validation=samples.where(agreed & (rows.usage == "PublicTest")),
        test=test,
        clean=test.where([group not in seen for group in test.groups]),
        note="FER2013's official split, labels by FER+'s own majority rule, contempt, unknown and not-a-face left out; "
        "clean: the test without the pictures that also stand in Training",
        remarks=rows.remarks,
    )


def majority(votes: Votes) -> NDArray[np.int64]:
    """The label of each row of votes (n, 10) as an index of ``EMOTIONS``, -1 where it is none of the seven."""
    counted = np.where(votes > 1, votes, 0)
    best = counted.argmax(axis=1)
    agreed = 2 * counted.max(axis=1) > counted.sum(axis=1)
    named = np.array([*SEVEN, *[_OUTSIDE] * (len(ANSWERS) - len(SEVEN))])
    return np.where(agreed, named[best], _OUTSIDE)


def read_votes(folder: Path) -> Votes:
    """The votes (rows of FER2013, 10), columns as ``ANSWERS``. Raises ``DatasetError``."""
    own, archive = folder / _TABLE, folder / ARCHIVE
    return _of_archive(archive) if archive.is_file() else _of_table(own)


def _of_archive(path: Path) -> Votes:
    try:
        with path.open("rb") as file, np.load(file) as archive:
            votes, names = archive["ferplus_votes"], [str(name) for name in archive["vote_names"]]
            return np.asarray(votes[:, [names.index(answer) for answer in ANSWERS]], dtype=np.int64)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path}: holds no FER+ votes ({error}); they are {_SOURCE}") from error


def _of_table(path: Path) -> Votes:
    try:
        with path.open(encoding="ascii", newline="") as file:
            return np.array([[int(row[answer]) for answer in ANSWERS] for row in csv.DictReader(file)], dtype=np.int64)
    except FileNotFoundError as error:
        raise DatasetError(f"{path}: the FER+ votes are not there; they are {_SOURCE}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path}: not the table of the FER+ votes ({error}); it is {_SOURCE}") from error


FERPLUS = Dataset(
    name="ferplus",
    kind="face",
    terms="FER2013: for research use, no formal licence was ever published with it; FER+ votes: MIT",
    load=_load,
    folder="fer2013",
    head="crowd",
)
