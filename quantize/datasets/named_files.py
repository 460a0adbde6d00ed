"""Corpora whose file names tell person and emotion."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from device.readings import EMOTIONS, Emotion
from quantize.datasets.common import (
    DatasetError,
    LazySignals,
    SampleArray,
    Samples,
    Split,
    only_a_test,
    require_emotions,
)


@dataclass(frozen=True, slots=True)
class NamedFiles:
    """Where such a corpus is had, and how its files are to be read.

    ``pattern`` fits a file's name without its suffix and has the groups ``person`` and ``code``; ``codes`` are the
    authors' emotions, ``None`` for one that is none of the seven. Of the same name with two suffixes, the one that
    stands first in ``suffixes`` is taken. ``files`` is how many the whole corpus has, where
    its authors say it.
    """

    title: str
    source: str
    example: str
    pattern: re.Pattern[str]
    codes: Mapping[str, Emotion | None]
    suffixes: tuple[str, ...]
    read: Callable[[Path], SampleArray]
    files: int | None
    note: str

    def load(self, folder: Path) -> Split:
        """All of it as a test, from ``folder`` or any folder in it. Raises ``DatasetError``."""
        found = self._found(folder)
        if not found:
            raise DatasetError(
                f"{folder}: no file of {self.title} is there, like {self.example}; "
                f"get {self.source} and unpack it there"
            )
        meant = [(path, fields, self._emotion(path, fields["code"])) for path, fields in found]
        kept = [(path, fields, emotion) for path, fields, emotion in meant if emotion is not None]
        samples = Samples(
            names=[path.stem for path, _, _ in kept],
            signals=LazySignals([path for path, _, _ in kept], self.read),
            labels=np.array([EMOTIONS.index(emotion) for _, _, emotion in kept], dtype=np.int64),
            groups=[fields["person"].upper() for _, fields, _ in kept],
        )
        expected = [emotion for emotion in EMOTIONS if emotion in self.codes.values()]
        require_emotions(samples, expected, f"{folder}: half of {self.title} (get {self.source})")
        return only_a_test(samples, f"all of it is a test; {self.note}", self._remarks(folder, len(found)))

    def _found(self, folder: Path) -> list[tuple[Path, dict[str, str]]]:
        """Files with an official name, each name once: some copies hold the corpus twice."""
        by_name: dict[str, tuple[Path, dict[str, str]]] = {}
        for path in sorted(folder.rglob("*"), key=self._preference):
            fields = self.pattern.fullmatch(path.stem)
            if fields and self._is_ours(path):
                by_name.setdefault(path.stem.upper(), (path, fields.groupdict()))
        return [by_name[name] for name in sorted(by_name)]

    def _is_ours(self, path: Path) -> bool:
        return path.suffix.lower() in self.suffixes and path.is_file()

    def _preference(self, path: Path) -> tuple[int, Path]:
        suffix = path.suffix.lower()
        return (self.suffixes.index(suffix) if suffix in self.suffixes else len(self.suffixes), path)

    def _emotion(self, path: Path, code: str) -> Emotion | None:
        try:
            return self.codes[code if code in self.codes else code.upper()]
        except KeyError as error:
            raise DatasetError(
                f"{path}: {code!r} is no emotion of {self.title}; there are {', '.join(self.codes)}"
            ) from error

    def _remarks(self, folder: Path, count: int) -> tuple[str, ...]:
        if self.files in (None, count):
            return ()
        return (f"{folder} holds {count:,} of the {self.files:,} files of {self.title}; the whole: {self.source}",)


def codes(pairs: str) -> dict[str, Emotion | None]:
    """A corpus's codes from a list like ``ANG angry, BOR none``; ``none`` is an emotion that is none of the seven."""
    split = (pair.split() for pair in pairs.split(", "))
    return {code: None if name == "none" else Emotion(name) for code, name in split}
