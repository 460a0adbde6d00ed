"""Anybody's own corpus: DIR/<label>/* with pictures, sound files or films."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
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
class Media:
    """What is looked for: the ``plural`` of it, the suffixes of such files, and how one is read."""

    plural: str
    suffixes: tuple[str, ...]
    read: Callable[[Path], SampleArray]


MEDIA = {
    "face": Media("pictures", tuple(sorted(PICTURE_SUFFIXES)), read_face_picture),
    "speech": Media("sounds or films", (*SOUND_SUFFIXES, *CONTAINER_SUFFIXES), read_clip),
}
"""By the kind of the nets that read them."""


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """One file, the emotion that the folder above it is called like, and the first half of its sha256.

    ``name`` is its path from where the labels' folder lies.
    """

    path: Path
    name: str
    emotion: Emotion
    digest: str


def labelled_files(
    folder: Path, media: Media, labels: Mapping[str, str] | None = None
) -> tuple[list[LabelledFile], tuple[str, ...]]:
    """Every file of one kind below the folders that are called like an emotion, and what is left out.

    ``labels`` are words of one's own for the emotions. Raises ``DatasetError``.
    """
    labelled = _labelled(folder, labels)
    files = [
        LabelledFile(path, path.relative_to(folder).as_posix(), emotion, _digest(path))
        for own, emotion in labelled
        if emotion
        for path in _files(own, media)
    ]
    return files, _remarks(labelled, media)


def samples_of(files: Sequence[LabelledFile], media: Media, groups: Sequence[str]) -> Samples:
    """The files as samples, each read when it is needed."""
    return Samples(
        names=[file.name for file in files],
        signals=LazySignals([file.path for file in files], media.read),
        labels=np.array([EMOTIONS.index(file.emotion) for file in files], dtype=np.int64),
        groups=groups,
    )


def _load(media: Media, labels: Mapping[str, str] | None, folder: Path) -> Split:
    files, remarks = labelled_files(folder, media, labels)
    # Copies of one file count as one when an interval is drawn; of who is in it nothing is known.
    samples = samples_of(files, media, [file.digest for file in files])
    return only_a_test(samples, "all of it is a test; calm joins neutral, contempt is left out", remarks)


def _labelled(folder: Path, labels: Mapping[str, str] | None) -> list[tuple[Path, Emotion | None]]:
    own = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))
    labelled = [(path, _emotion(path, labels)) for path in own]
    if not any(emotion for _, emotion in labelled):
        raise DatasetError(f"{folder}: holds no folder called like an emotion; make one for each, as angry, happy, sad")
    return labelled


def _emotion(path: Path, labels: Mapping[str, str] | None) -> Emotion | None:
    try:
        return emotion_called(path.name, labels)
    except KeyError as error:
        raise DatasetError(
            f"{path}: {path.name!r} is none of {', '.join(EMOTIONS)}, nor a word for one; rename that folder, take it "
            f'away, say what it means in a file with a line {path.name} = "angry" (or "none") and give it with '
            "--labels, or name the folder that holds the labels with --root"
        ) from error


def _files(own: Path, media: Media) -> list[Path]:
    found = sorted(path for path in _all_files(own) if path.suffix.lower() in media.suffixes)
    if not found:
        raise DatasetError(f"{own}: holds no {media.plural} ({' '.join(media.suffixes)}); fill it, or take it away")
    return found


def _all_files(own: Path) -> list[Path]:
    return [path for path in own.rglob("*") if path.is_file() and not path.name.startswith(".")]


def _remarks(labelled: list[tuple[Path, Emotion | None]], media: Media) -> tuple[str, ...]:
    remarks = [f"{len(_all_files(own))} files of {own.name} are left out" for own, emotion in labelled if not emotion]
    others = [p for own, e in labelled if e for p in _all_files(own) if p.suffix.lower() not in media.suffixes]
    if others:
        remarks.append(f"{len(others)} files are no {media.plural} and left out, first {others[0]}")
    return tuple(remarks)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


MADE_OF = "your files as <label>/*"
TERMS = "your own files: their terms are yours to keep"
FOLDER = "folder"


def folder_dataset(kind: str, labels: Mapping[str, str] | None = None) -> Dataset:
    """A folder that is a test as a whole, for models of this kind; ``labels`` are words of its own for emotions."""
    load = partial(_load, MEDIA[kind], labels)
    return Dataset(name=FOLDER, kind=kind, terms=TERMS, load=load, folder=".", made_of=MADE_OF)


FOLDER_OF_PICTURES, FOLDER_OF_SOUNDS = (folder_dataset(kind) for kind in MEDIA)
