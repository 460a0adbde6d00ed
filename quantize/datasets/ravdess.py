"""RAVDESS speech: 1,440 clips of 24 actors (Livingstone & Russo, 2018), with its actors kept apart."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from device.readings import EMOTIONS, Emotion
from quantize.datasets.common import Dataset, DatasetError, LazySignals, Samples, Split
from quantize.datasets.sound import read_clip

FOLDS: tuple[tuple[int, ...], ...] = (
    (2, 5, 14, 15, 16),
    (3, 6, 7, 13, 18),
    (10, 11, 12, 19, 20),
    (8, 17, 21, 23, 24),
    (1, 4, 9, 22),
)
"""The actor-disjoint folds in common use for RAVDESS, F0 to F4."""

TEST_FOLD = 3
"""The one that models are compared on where not all five are run."""

CODES = {
    "01": Emotion.NEUTRAL,
    "02": Emotion.NEUTRAL,  # calm joins neutral
    "03": Emotion.HAPPY,
    "04": Emotion.SAD,
    "05": Emotion.ANGRY,
    "06": Emotion.FEAR,
    "07": Emotion.DISGUST,
    "08": Emotion.SURPRISE,
}
CLIPS_AN_ACTOR = 60
SAME_AS_ANOTHER = "03-01-03-01-02-02-07"
"""Byte-identical to 03-01-03-01-02-01-07: the corpus holds that recording twice, so it is used once."""


def _load(folder: Path, *, test_fold: int) -> Split:
    """Test on the actors of one fold, validate on those of the next, train on all others.

    Reads the authors' .wav or .flac. Raises ``DatasetError``.
    """
    validation_fold = (test_fold + 1) % len(FOLDS)
    training = [a for i, fold in enumerate(FOLDS) if i not in (test_fold, validation_fold) for a in fold]
    test = _clips(folder, FOLDS[test_fold])
    return Split(
        train=_clips(folder, training),
        validation=_clips(folder, FOLDS[validation_fold]),
        test=test,
        clean=test,
        note=f"by actor: test F{test_fold} {_numbers(FOLDS[test_fold])}, "
        f"validation F{validation_fold} {_numbers(FOLDS[validation_fold])}, "
        "training all other actors; calm joins neutral",
    )


def _numbers(actors: tuple[int, ...]) -> str:
    return " ".join(str(actor) for actor in actors)


def _clips(folder: Path, actors: list[int] | tuple[int, ...]) -> Samples:
    paths = [path for actor in sorted(actors) for path in _files(folder, actor)]
    return Samples(
        names=[path.stem for path in paths],
        signals=LazySignals(paths, read_clip),
        labels=np.array([EMOTIONS.index(_emotion(path)) for path in paths], dtype=np.int64),
        groups=[path.parent.name for path in paths],
    )


def _files(folder: Path, actor: int) -> list[Path]:
    own = folder / f"Actor_{actor:02d}"
    paths = sorted(p for p in own.glob("03-01-*") if p.suffix in (".flac", ".wav"))
    if len(paths) != CLIPS_AN_ACTOR:
        raise DatasetError(
            f"{own}: {len(paths)} speech clips of {CLIPS_AN_ACTOR}; get 'Audio_Speech_Actors_01-24.zip' of "
            "RAVDESS (Zenodo record 1188976) and unpack it there"
        )
    return [path for path in paths if path.stem != SAME_AS_ANOTHER]


def _emotion(path: Path) -> Emotion:
    fields = path.stem.split("-")
    if len(fields) != 7 or fields[2] not in CODES:
        raise DatasetError(f"{path}: not an official RAVDESS name (modality-channel-emotion-…-actor)")
    return CODES[fields[2]]


def _dataset(name: str, test_fold: int) -> Dataset:
    return Dataset(
        name=name,
        kind="speech",
        terms="RAVDESS: CC BY-NC-SA 4.0, non-commercial use only",
        load=partial(_load, test_fold=test_fold),
        folder="ravdess",
    )


RAVDESS = _dataset("ravdess", TEST_FOLD)
RAVDESS_FOLDS = tuple(_dataset(f"ravdess-f{k}", k) for k in range(len(FOLDS)))
