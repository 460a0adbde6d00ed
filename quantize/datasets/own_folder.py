"""Anybody's folder to train on: split by a rule, or as its own folders say; the split is kept in the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import msgspec

from device.errors import AffectdError
from quantize.datasets.common import Dataset, DatasetError, Samples, Split
from quantize.datasets.folder import FOLDER, MADE_OF, MEDIA, TERMS, LabelledFile, labelled_files, samples_of
from quantize.datasets.own_split import (
    AS_GIVEN,
    BY_FILE,
    BY_SUBJECT,
    TEST,
    TRAIN,
    VALIDATION,
    PlacedFile,
    drawn,
    placed_before,
    require_trainable,
    write_table,
)
from quantize.datasets.subjects import subjects_of
from quantize.files import write_file

OWN_FILE, SPLIT_FILE = "own.json", "split.csv"
"""In the run of a net of one's own: what was asked for, and which file is in which part."""
_CALLED = {TRAIN: ("train", "training"), VALIDATION: ("validation", "val", "valid", "dev"), TEST: ("test", "testing")}
"""What the folder of a part may be called, where somebody has split the corpus."""
_UNKNOWN_PEOPLE = (
    "names tell no subjects, so files are split one by one: somebody who is in several makes the figures too good; "
    "<label>/<subject>/*, <label>/<subject>_* or --subject tells them apart"
)


@dataclass(frozen=True, slots=True)
class OwnFolder:
    """What a net of one's own was asked for: its name, kind and architecture, one's own words for emotions, and the
    pattern that finds a subject in a file's name (``quantize.datasets.subjects``).
    """

    id: str
    kind: str
    architecture: str
    labels: Mapping[str, str] = field(default_factory=dict)
    subject: str = ""

    def dataset(self, run: Path) -> Dataset:
        """The folder in the parts that the table in ``run`` has; where there is no table yet they are drawn."""
        load = partial(_load, self, run / SPLIT_FILE)
        return Dataset(name=FOLDER, kind=self.kind, terms=TERMS, load=load, folder=".", made_of=MADE_OF)

    def keep(self, run: Path) -> None:
        """Write it down in the run. Raises ``AffectdError``."""
        write_file(run / OWN_FILE, msgspec.json.format(msgspec.json.encode(self), indent=1))


def read_own(run: Path) -> OwnFolder | None:
    """What the run was asked for; ``None`` if it is of no folder of one's own. Raises ``AffectdError``."""
    path = run / OWN_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=OwnFolder)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise AffectdError(
            f"{path}: not what a training was asked for ({error}); remove {run} to start anew"
        ) from error


def _load(own: OwnFolder, table: Path, folder: Path) -> Split:
    files, remarks = _found(own, folder)
    if table.exists():
        files, more = placed_before(files, table)
    else:
        require_trainable(files, folder)
        files, more = _split(files), ()
        require_trainable(files, folder)
        table.parent.mkdir(parents=True, exist_ok=True)
        write_table(table, files)
    is_by_subject = all(file.subject for file in files)
    parts = {part: _samples(own, [file for file in files if file.part == part]) for part in _CALLED}
    return Split(
        train=parts[TRAIN],
        validation=parts[VALIDATION],
        test=parts[TEST],
        clean=parts[TEST],
        note=f"{_told(parts, is_by_subject)}; {_rule(folder, is_by_subject)}; calm joins neutral, contempt is left out",
        remarks=(*remarks, *more, *(() if is_by_subject else (_UNKNOWN_PEOPLE,))),
    )


def _rule(folder: Path, is_by_subject: bool) -> str:
    return AS_GIVEN if TRAIN in _given_parts(folder) else BY_SUBJECT if is_by_subject else BY_FILE


def _told(parts: Mapping[str, Samples], is_by_subject: bool) -> str:
    people = {part: f" of {len(set(s.groups))} subjects" if is_by_subject else "" for part, s in parts.items()}
    return ", ".join(f"{part} {len(samples)} files{people[part]}" for part, samples in parts.items())


def _samples(own: OwnFolder, files: Sequence[PlacedFile]) -> Samples:
    return samples_of([file.file for file in files], MEDIA[own.kind], [file.group for file in files])


def _found(own: OwnFolder, folder: Path) -> tuple[list[PlacedFile], tuple[str, ...]]:
    """Every file once, with its subject and the part that its folder says. Raises ``DatasetError``."""
    files: list[LabelledFile] = []
    parts: list[str] = []
    remarks: tuple[str, ...] = ()
    for part, place in _given_parts(folder).items():
        found, more = labelled_files(place, MEDIA[own.kind], own.labels)
        files += found
        parts += [part] * len(found)
        remarks += more
    subjects = subjects_of(files, own.subject)
    named = [replace(file, name=file.path.relative_to(folder).as_posix()) for file in files]
    placed = [PlacedFile(*each) for each in zip(named, subjects, parts, strict=True)]
    once = _without_copies(placed, folder)
    if len(once) < len(placed):
        remarks += (f"{len(placed) - len(once)} files are copies of others and used once",)
    return once, remarks


def _given_parts(folder: Path) -> dict[str, Path]:
    """The folders of the parts; the whole, of no part yet, where nobody has split it. Raises ``DatasetError``."""
    own = {path.name.casefold(): path for path in folder.iterdir() if path.is_dir()}
    given = {part: own[name] for part, names in _CALLED.items() for name in names if name in own}
    if TRAIN not in given:
        return {"": folder}
    if TEST not in given:
        raise DatasetError(f"{folder}: has a folder {given[TRAIN].name} and none called test; give both, or neither")
    return given


def _split(files: Sequence[PlacedFile]) -> list[PlacedFile]:
    """The files in three parts: those that nobody split are drawn."""
    given = Counter(file.part for file in files)
    if not given[TRAIN]:
        return drawn(files)
    if given[VALIDATION]:
        return list(files)
    training = [file for file in files if file.part == TRAIN]
    return [*drawn(training, (VALIDATION,)), *(file for file in files if file.part != TRAIN)]


def _without_copies(files: Sequence[PlacedFile], folder: Path) -> list[PlacedFile]:
    """The first file of each content. Raises ``DatasetError`` where copies are in two classes or parts."""
    first: dict[str, PlacedFile] = {}
    for file in files:
        other = first.setdefault(file.file.digest, file)
        for what, here, there in (
            ("class", other.file.emotion, file.file.emotion),
            ("part", other.part, file.part),
        ):
            if here != there:
                raise DatasetError(
                    f"{folder}: {other.file.path} and {file.file.path} are the same file, one in the {what} {here}, "
                    f"one in {there}; take one away"
                )
    return list(first.values())
