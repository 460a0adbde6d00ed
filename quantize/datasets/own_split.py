"""The three parts of anybody's folder, by the rule that ``SPLIT_RULE`` states; and the table that keeps them."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from device.errors import AffectdError
from device.readings import EMOTIONS, Emotion
from quantize.datasets.common import DatasetError, Split
from quantize.datasets.folder import LabelledFile
from quantize.datasets.subjects import MIN_SUBJECTS
from quantize.files import write_file

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SHARE = 0.15
FILES_A_CLASS = 10
"""At least, so that each part has some of each emotion."""
BY_SUBJECT = (
    "by subject: whole people in the order of their names' sha256, but for those without whom an emotion would not be "
    "trained on, until 15 % of the files are the test and 15 % validation; the rest is training"
)
BY_FILE = "file by file: of each class 15 % are the test and 15 % validation, in the order of their content's sha256"
AS_GIVEN = "as the folders of the parts are; validation, where there is none, is drawn from training"
_COLUMNS = ("file", "label", "subject", "part", "sha256")


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """A file, who is in it (nothing where nobody knows), and its part (nothing until one is drawn)."""

    file: LabelledFile
    subject: str
    part: str = ""

    @property
    def group(self) -> str:
        """What must not stand in two parts, and what a bootstrap draws."""
        return self.subject or self.file.digest


def drawn(files: Sequence[PlacedFile], wanted: Sequence[str] = (TEST, VALIDATION)) -> list[PlacedFile]:
    """The files with the parts ``wanted`` drawn from them, the rest for training. Raises ``DatasetError``."""
    place = _by_subject(files, wanted) if all(file.subject for file in files) else _by_file(files, wanted)
    return [replace(file, part=place.get(file.group, TRAIN)) for file in files]


def _by_subject(files: Sequence[PlacedFile], wanted: Sequence[str]) -> dict[str, str]:
    counts = Counter(file.subject for file in files)
    place: dict[str, str] = {}
    ranked = sorted(counts, key=lambda subject: hashlib.sha256(subject.encode()).digest())
    everything = _shown(files)
    for part in wanted:
        taken = 0
        for subject in [each for each in ranked if each not in place]:
            left = [file for file in files if file.subject not in (*place, subject)]
            if taken < SHARE * len(files) and _shown(left) == everything:
                place[subject], taken = part, taken + counts[subject]
        if not taken:
            raise DatasetError(
                f"{len(counts)} subjects are too few for {TRAIN}, {VALIDATION} and {TEST}: {MIN_SUBJECTS} are needed, "
                f"and without those of {part} the others have to show every emotion; add people"
            )
    return place


def _by_file(files: Sequence[PlacedFile], wanted: Sequence[str]) -> dict[str, str]:
    place: dict[str, str] = {}
    for emotion in _shown(files):
        own = sorted(file.group for file in files if file.file.emotion == emotion)
        count = max(1, round(SHARE * len(own)))
        for number, part in enumerate(wanted):
            place |= dict.fromkeys(own[number * count : (number + 1) * count], part)
    return place


def require_trainable(files: Sequence[PlacedFile], folder: Path) -> None:
    """Raise ``DatasetError`` unless there are two classes, enough of each, and nobody is in two parts."""
    counts = Counter(str(file.file.emotion) for file in files)
    if len(counts) < 2:
        raise DatasetError(f"{folder}: holds {', '.join(counts)} alone; a net tells apart two emotions at least")
    if few := [f"{count} of {name}" for name, count in sorted(counts.items()) if count < FILES_A_CLASS]:
        raise DatasetError(f"{folder}: holds {', '.join(few)}; {FILES_A_CLASS} files a class are needed at least")
    if unlearnt := _shown(files) - _shown(file for file in files if file.part in (TRAIN, "")):
        raise DatasetError(f"{folder}: no file of {', '.join(sorted(unlearnt))} is in {TRAIN}; move some there")
    _require_apart(files, folder)


def _require_apart(files: Sequence[PlacedFile], folder: Path) -> None:
    first: dict[str, PlacedFile] = {}
    for file in files:
        other = first.setdefault(file.group, file)
        if other.part != file.part:
            raise DatasetError(
                f"{folder}: subject {file.group!r} is in {other.part} ({other.file.name}) and in {file.part} "
                f"({file.file.name}), so that a score would be of somebody known; move one"
            )


def require_learnable(given: Split, prepared: Split) -> None:
    """Raise ``DatasetError`` where preparing left nothing of a class to train on, or shows one signal in two classes.

    Files may differ where what they show does not: a picture that was saved anew, or the same sound as WAV and FLAC.
    """
    if lost := sorted(EMOTIONS[i] for i in {*given.train.labels} - {*prepared.train.labels}):
        raise DatasetError(
            f"no file of {', '.join(lost)} that is trained on can be used: they do not decode, or the appliance finds "
            "no face or voice in them; replace them, or take that folder away"
        )
    first: dict[bytes, tuple[str, int]] = {}
    for part in (prepared.train, prepared.validation):
        for name, signal, label in zip(part.names, part.signals, part.labels, strict=True):
            other, its_label = first.setdefault(hashlib.sha256(signal.tobytes()).digest(), (name, label))
            if its_label != label:
                raise DatasetError(
                    f"{other} and {name} show the same, one as {EMOTIONS[its_label]}, one as {EMOTIONS[label]}; "
                    "take one away"
                )


def _shown(files: Iterable[PlacedFile]) -> set[Emotion]:
    return {file.file.emotion for file in files}


def write_table(path: Path, files: Sequence[PlacedFile]) -> None:
    """Keep which file is in which part. Raises ``AffectdError``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows((f.file.name, f.file.emotion, f.subject, f.part, f.file.digest) for f in files)
    write_file(path, text.getvalue().encode())


def placed_before(files: Sequence[PlacedFile], table: Path) -> tuple[list[PlacedFile], tuple[str, ...]]:
    """The files in the parts that the table has, and what is to be said of the others.

    One that is new is a test, unless somebody is in it who is trained on: then it is left out. Raises ``AffectdError``.
    """
    rows = _rows(table)
    parts = {row["sha256"]: row["part"] for row in rows}
    known = {row["subject"] for row in rows if row["part"] != TEST} - {""}
    placed = [replace(file, part=parts.get(file.file.digest, TEST)) for file in files]
    new = {file.file.digest for file in placed if file.file.digest not in parts}
    left_out = {file.file.digest for file in placed if file.file.digest in new and file.subject in known}
    remarks = []
    if left_out:
        remarks.append(f"{len(left_out)} files are new and of people who were trained on; they are left out")
    if new - left_out:
        remarks.append(f"{len(new - left_out)} files are new since the training and part of the test")
    return [file for file in placed if file.file.digest not in left_out], tuple(remarks)


def _rows(table: Path) -> list[Mapping[str, str]]:
    try:
        rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"), newline="")))
    except (OSError, ValueError, csv.Error) as error:
        raise AffectdError(f"{table}: the split cannot be read ({error}); train anew under another --id") from error
    if not rows or any(set(row) != {*_COLUMNS} or row["part"] not in (TRAIN, VALIDATION, TEST) for row in rows):
        raise AffectdError(f"{table}: not the split of a training; train anew under another --id")
    return list(rows)
