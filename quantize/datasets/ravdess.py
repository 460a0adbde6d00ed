"""RAVDESS speech: 1,440 clips of 24 actors (Livingstone & Russo, 2018), with its actors kept apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from device.readings import EMOTIONS, Emotion
from quantize.datasets.common import Dataset, DatasetError, Samples, Split
from quantize.datasets.sound import Clips

FOLDS: tuple[tuple[int, ...], ...] = (
    (2, 5, 14, 15, 16),
    (3, 6, 7, 13, 18),
    (10, 11, 12, 19, 20),
    (8, 17, 21, 23, 24),
    (1, 4, 9, 22),
)
"""The actor-disjoint folds in common use for RAVDESS, F0 to F4."""

TEST_FOLD, VALIDATION_FOLD = 3, 4

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


def load(folder: Path) -> Split:
    """Test on the actors of F3, validate on those of F4, train on all others. Reads the authors' .wav or .flac."""
    return Split(
        train=_clips(
            folder, [a for i, fold in enumerate(FOLDS) if i not in (TEST_FOLD, VALIDATION_FOLD) for a in fold]
        ),
        validation=_clips(folder, FOLDS[VALIDATION_FOLD]),
        test=(test := _clips(folder, FOLDS[TEST_FOLD])),
        clean=test,
        note=f"by actor: test F3 {_numbers(FOLDS[TEST_FOLD])}, validation F4 {_numbers(FOLDS[VALIDATION_FOLD])}, "
        "training all other actors; calm joins neutral",
    )


def _numbers(actors: tuple[int, ...]) -> str:
    return " ".join(str(actor) for actor in actors)


def _clips(folder: Path, actors: list[int] | tuple[int, ...]) -> Samples:
    paths = [path for actor in sorted(actors) for path in _files(folder, actor)]
    return Samples(
        names=[path.stem for path in paths],
        signals=Clips(paths),
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


RAVDESS = Dataset(
    name="ravdess",
    kind="speech",
    terms="RAVDESS: CC BY-NC-SA 4.0, non-commercial use only",
    load=load,
)
