"""CK+: people from a neutral face to the height of an expression (Lucey et al., 2010); the labelled sequences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from device.readings import EMOTIONS, Emotion
from quantize.datasets.common import (
    Dataset,
    DatasetError,
    LazySignals,
    Samples,
    Split,
    only_a_test,
    require_emotions,
)
from quantize.datasets.pictures import read_face_picture

_PICTURES, _LABELS = "cohn-kanade-images", "Emotion"
_CODES = {
    0: Emotion.NEUTRAL,
    1: Emotion.ANGRY,
    2: None,  # contempt is none of the seven
    3: Emotion.DISGUST,
    4: Emotion.FEAR,
    5: Emotion.HAPPY,
    6: Emotion.SAD,
    7: Emotion.SURPRISE,
}
SEQUENCES = 327
"""Those that the authors labelled, of 593."""
_SOURCE = "'extended-cohn-kanade-images.zip' and 'Emotion_labels.zip' of CK+ (the affect analysis group in Pittsburgh)"


@dataclass(frozen=True, slots=True)
class _Sequence:
    """``person``/``number``, and the picture at the height of the emotion."""

    person: str
    apex: Path
    emotion: Emotion | None


def _load(folder: Path) -> Split:
    """The last picture of every labelled sequence; for neutral, the first one of each person's first sequence."""
    sequences = list(_sequences(_part(folder, _PICTURES), _part(folder, _LABELS)))
    shown = [(s.person, s.apex, s.emotion) for s in sequences if s.emotion]
    shown += [(s.person, _first_picture(s), Emotion.NEUTRAL) for s in {s.person: s for s in sequences[::-1]}.values()]
    shown.sort(key=lambda picture: picture[1])
    samples = Samples(
        names=[path.stem for _, path, _ in shown],
        signals=LazySignals([path for _, path, _ in shown], read_face_picture),
        labels=np.array([EMOTIONS.index(emotion) for _, _, emotion in shown], dtype=np.int64),
        groups=[person for person, _, _ in shown],
    )
    require_emotions(samples, EMOTIONS, f"{folder}: half of CK+ (get {_SOURCE})")
    note = "all of it is a test: the last picture of each labelled sequence, and one neutral picture a person; "
    return only_a_test(samples, note + "contempt is left out", _remarks(folder, len(sequences)))


def _part(folder: Path, name: str) -> Path:
    part = next((path for path in (folder / name, *sorted(folder.rglob(name))) if path.is_dir()), None)
    if part is None:
        raise DatasetError(f"{folder}: CK+ has no folder {name} there; get {_SOURCE} and unpack both there")
    return part


def _sequences(pictures: Path, labels: Path) -> Iterator[_Sequence]:
    for path in sorted(labels.rglob("S*_*_*_emotion.txt")):
        name = path.stem.removesuffix("_emotion")
        person, number, *_ = name.split("_")
        yield _Sequence(person, pictures / person / number / f"{name}.png", _emotion(path))


def _emotion(path: Path) -> Emotion | None:
    try:
        return _CODES[int(float(path.read_text(encoding="ascii")))]
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(f"{path}: {error} is no emotion of CK+ (0 to 7); unpack it again") from error


def _first_picture(sequence: _Sequence) -> Path:
    return min(sequence.apex.parent.glob("S*.png"), default=sequence.apex)


def _remarks(folder: Path, count: int) -> tuple[str, ...]:
    if count == SEQUENCES:
        return ()
    return (f"{folder} holds {count} of the {SEQUENCES} labelled sequences of CK+; the whole: {_SOURCE}",)


CKPLUS = Dataset(name="ckplus", kind="face", terms="CK+: non-commercial research use only", load=_load)
