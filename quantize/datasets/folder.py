"""Anybody's own corpus: DIR/<label>/* with pictures, sound files or films."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from device.capture.pictures import SUFFIXES as PICTURE_SUFFIXES
from device.readings import EMOTIONS, Emotion
from quantize.datasets.common import Dataset, DatasetError, LazySignals, SampleArray, Samples, Split, only_a_test
from quantize.datasets.labels import emotion_called
from quantize.datasets.pictures import read_face_picture
from quantize.datasets.sound import CONTAINER_SUFFIXES, SOUND_SUFFIXES, read_clip


@dataclass(frozen=True, slots=True)
class _Media:
    """What is looked for: the ``plural`` of it, the suffixes of such files, and how one is read."""

    plural: str
    suffixes: tuple[str, ...]
    read: Callable[[Path], SampleArray]


PICTURE_FOLDERS = _Media("pictures", tuple(sorted(PICTURE_SUFFIXES)), read_face_picture)
SOUNDS = _Media("sounds or films", (*SOUND_SUFFIXES, *CONTAINER_SUFFIXES), read_clip)


def _load(media: _Media, folder: Path) -> Split:
    """Every file of one kind below the folders that are called like an emotion. Raises ``DatasetError``."""
    labelled = _labelled(folder)
    files = [(path, emotion) for own, emotion in labelled if emotion for path in _files(own, media)]
    samples = Samples(
        names=[path.relative_to(folder).as_posix() for path, _ in files],
        signals=LazySignals([path for path, _ in files], media.read),
        labels=np.array([EMOTIONS.index(emotion) for _, emotion in files], dtype=np.int64),
        groups=[_hash(path) for path, _ in files],
    )
    note = "all of it is a test; calm joins neutral, contempt is left out"
    return only_a_test(samples, note, _remarks(labelled, media))


def _labelled(folder: Path) -> list[tuple[Path, Emotion | None]]:
    own = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))
    labelled = [(path, _emotion(path)) for path in own]
    if not any(emotion for _, emotion in labelled):
        raise DatasetError(f"{folder}: holds no folder called like an emotion; make one for each, as angry, happy, sad")
    return labelled


def _emotion(path: Path) -> Emotion | None:
    try:
        return emotion_called(path.name)
    except KeyError as error:
        raise DatasetError(
            f"{path}: {path.name!r} is none of {', '.join(EMOTIONS)}, nor a word for one; rename that folder, take it "
            "away, or name the folder that holds the labels with --root"
        ) from error


def _files(own: Path, media: _Media) -> list[Path]:
    found = sorted(path for path in _all_files(own) if path.suffix.lower() in media.suffixes)
    if not found:
        raise DatasetError(f"{own}: holds no {media.plural} ({' '.join(media.suffixes)}); fill it, or take it away")
    return found


def _all_files(own: Path) -> list[Path]:
    return [path for path in own.rglob("*") if path.is_file() and not path.name.startswith(".")]


def _remarks(labelled: list[tuple[Path, Emotion | None]], media: _Media) -> tuple[str, ...]:
    remarks = [f"{len(_all_files(own))} files of {own.name} are left out" for own, emotion in labelled if not emotion]
    others = [p for own, e in labelled if e for p in _all_files(own) if p.suffix.lower() not in media.suffixes]
    if others:
        remarks.append(f"{len(others)} files are no {media.plural} and left out, first {others[0]}")
    return tuple(remarks)


def _hash(path: Path) -> str:
    """Copies of one file count as one when an interval is drawn; of who is in it nothing is known."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


_TERMS = "your own files: their terms are yours to keep"
_MADE_OF = "your files as <label>/*"
FOLDER_OF_PICTURES, FOLDER_OF_SOUNDS = (
    Dataset(name="folder", kind=kind, terms=_TERMS, load=partial(_load, media), folder=".", made_of=_MADE_OF)
    for kind, media in (("face", PICTURE_FOLDERS), ("speech", SOUNDS))
)
