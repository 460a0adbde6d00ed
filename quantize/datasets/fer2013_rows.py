"""The rows of FER2013, from the challenge's own file or from the archive in which they stand with the FER+ votes."""

from __future__ import annotations

import csv
import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from device.readings import EMOTIONS, Emotion
from quantize.datasets.common import DatasetError, Samples

ARCHIVE = "fer2013_ferplus.npz"
TABLES = ("fer2013.csv", "icml_face_data.csv")
"""The challenge gives the same table under both names; the columns of the second stand in another order."""
_SOURCE = (
    "the Kaggle challenge 'challenges-in-representation-learning-facial-expression-recognition-challenge' "
    f"({TABLES[0]} of fer2013.tar.gz, or {TABLES[1]}), or the same packed as {ARCHIVE}"
)
ROWS = {"Training": 28_709, "PublicTest": 3_589, "PrivateTest": 3_589}
_ORDER = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
_SIDE_PX = 48
_ARRAYS = ("images", "labels", "usage", "label_names", "usage_names", "pixel_source")


@dataclass(frozen=True, eq=False, slots=True)
class Rows:
    """All n readable rows. ``number`` is a row's place in the official order, from 0.

    ``images`` uint8 (n, 48, 48); ``labels`` index ``EMOTIONS``; ``usage`` are the names of the official parts;
    ``exact`` is false where the pixels are not those of the challenge; ``unreadable`` names the rows left out.
    """

    number: NDArray[np.int64]
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    usage: NDArray[np.str_]
    exact: NDArray[np.bool_]
    unreadable: tuple[str, ...]

    @property
    def samples(self) -> Samples:
        """All of them; the group is the hash of the picture."""
        return Samples(
            names=[row_name(i) for i in self.number],
            signals=list(self.images),
            labels=self.labels,
            groups=[hashlib.sha256(image.tobytes()).hexdigest()[:16] for image in self.images],
            unreadable=self.unreadable,
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is missing of the official rows, in a line each."""
        counts = {part: int(np.sum(self.usage == part)) for part in ROWS}
        return tuple(
            f"FER2013 has {count:,} of the {ROWS[part]:,} rows of {part} here"
            for part, count in counts.items()
            if count != ROWS[part]
        )


def row_name(number: int) -> str:
    """What the row of this number is called everywhere."""
    return f"fer2013#{number}"


def read_rows(folder: Path) -> Rows:
    """From the archive if it is there, else from the table. Raises ``DatasetError``."""
    table = next((folder / name for name in TABLES if (folder / name).is_file()), None)
    if table is None or (folder / ARCHIVE).is_file():
        return _complete(_from_archive(folder / ARCHIVE), folder / ARCHIVE)
    return _complete(_from_table(table), table)


def _complete(rows: Rows, path: Path) -> Rows:
    for part in ROWS:
        if not np.any(rows.usage == part):
            raise DatasetError(f"{path}: holds no row of {part}, so it is not the whole FER2013; copy it again")
    return rows


def _from_archive(path: Path) -> Rows:
    arrays = _arrays(path)
    order = [EMOTIONS.index(Emotion(str(name))) for name in arrays["label_names"]]
    return Rows(
        number=np.arange(len(arrays["images"])),
        images=np.asarray(arrays["images"], dtype=np.uint8),
        labels=np.asarray(order, dtype=np.int64)[arrays["labels"]],
        usage=np.asarray(arrays["usage_names"], dtype=np.str_)[arrays["usage"]],
        exact=np.asarray(arrays["pixel_source"] != 1),
        unreadable=(),
    )


def _arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        with path.open("rb") as file, np.load(file) as archive:
            return {name: archive[name] for name in _ARRAYS}
    except FileNotFoundError as error:
        raise DatasetError(f"{path}: FER2013 is not there; it is {_SOURCE}") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path}: not a whole FER2013 archive ({error}); copy it again") from error


def _from_table(path: Path) -> Rows:
    known: list[tuple[int, NDArray[np.uint8], int, str]] = []
    unreadable = []
    rows = track(_table_rows(path), f"reading {path.name}", total=sum(ROWS.values()), transient=True)
    for number, row in enumerate(rows):
        label, usage, image = _label(path, number, row), _usage(path, number, row), _image(row["pixels"])
        if image is None:
            unreadable.append(row_name(number))
        else:
            known.append((number, image, label, usage))
    return Rows(
        number=np.array([number for number, *_ in known], dtype=np.int64),
        images=np.array([image for _, image, *_ in known], dtype=np.uint8).reshape(-1, _SIDE_PX, _SIDE_PX),
        labels=np.array([label for *_, label, _ in known], dtype=np.int64),
        usage=np.array([usage for *_, usage in known], dtype=np.str_),
        exact=np.ones(len(known), dtype=np.bool_),
        unreadable=tuple(unreadable),
    )


def _table_rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="ascii", newline="") as file:
            lines = csv.reader(file)
            names = [name.strip() for name in next(lines, [])]
            if not {"emotion", "pixels", "Usage"} <= set(names):
                raise DatasetError(f"{path}: its columns are not emotion, pixels and Usage; it is to be {_SOURCE}")
            for values in lines:
                yield dict(zip(names, values + [""] * (len(names) - len(values)), strict=False))
    except (OSError, ValueError, csv.Error) as error:
        raise DatasetError(f"{path}: not FER2013's table ({error}); copy it again") from error


def _label(path: Path, number: int, row: dict[str, str]) -> int:
    if row["emotion"] not in {str(i) for i in range(len(_ORDER))}:
        raise DatasetError(f"{path}: row {number} has the emotion {row['emotion']!r}; FER2013 has 0 to 6")
    return EMOTIONS.index(Emotion(_ORDER[int(row["emotion"])]))


def _usage(path: Path, number: int, row: dict[str, str]) -> str:
    if row["Usage"] not in ROWS:
        raise DatasetError(f"{path}: row {number} has no Usage (it has {row['Usage']!r}); is the file cut off?")
    return row["Usage"]


def _image(pixels: str) -> NDArray[np.uint8] | None:
    try:
        values = bytes(map(int, pixels.split()))
    except ValueError:
        return None
    if len(values) != _SIDE_PX**2:
        return None
    return np.frombuffer(values, dtype=np.uint8).reshape(_SIDE_PX, _SIDE_PX)
