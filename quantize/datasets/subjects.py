"""Who is in a file of anybody's folder, as far as its name tells."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from quantize.datasets.common import DatasetError
from quantize.datasets.folder import LabelledFile

MIN_SUBJECTS = 3
"""One for each part."""


def subjects_of(files: Sequence[LabelledFile], pattern: str = "") -> list[str]:
    """The subject of each file, or nothing of any where names do not tell.

    They are the first group of ``pattern`` in a file's name. Without one they are the folders in the labels' folders,
    ``<label>/<subject>/*``, else what stands before the first ``_`` of every file's name, ``<label>/<subject>_*``: if
    there are three at least, and half of them or more show several emotions, as people do and series of pictures do
    not. Raises ``DatasetError`` for a pattern that is none or does not fit.
    """
    if pattern:
        return _by_pattern(files, pattern)
    for candidates in ([_folder(file) for file in files], [_prefix(file) for file in files]):
        if all(candidates) and _are_people(files, candidates):
            return candidates
    return [""] * len(files)


def _by_pattern(files: Sequence[LabelledFile], pattern: str) -> list[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DatasetError(f"--subject {pattern!r}: no regular expression ({error})") from error
    if compiled.groups < 1:
        raise DatasetError(f"--subject {pattern!r}: has no group; put the subject's part in brackets, as in '(.+?)-'")
    found = [compiled.search(file.path.name) for file in files]
    unfit = [file for file, match in zip(files, found, strict=True) if match is None or not match[1]]
    if unfit:
        raise DatasetError(
            f"{unfit[0].path}: --subject {pattern!r} finds nobody in its name, nor in {len(unfit) - 1} others; "
            "mend the pattern, or rename them"
        )
    return [match[1] for match in found if match]


def _folder(file: LabelledFile) -> str:
    _, *inner, _ = Path(file.name).parts
    return inner[0] if inner else ""


def _prefix(file: LabelledFile) -> str:
    before, separator, _ = file.path.name.partition("_")
    return before if separator else ""


def _are_people(files: Sequence[LabelledFile], candidates: Sequence[str]) -> bool:
    shown = defaultdict(set)
    for file, subject in zip(files, candidates, strict=True):
        shown[subject].add(file.emotion)
    several = sum(len(emotions) > 1 for emotions in shown.values())
    return len(shown) >= MIN_SUBJECTS and 2 * several >= len(shown)
