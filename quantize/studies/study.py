"""Study: what is measured, where its figures are kept, and whether they are of the files as they are now."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import msgspec

from device.errors import AffectdError
from device.features.hum import TAKEN_OUT
from quantize.files import write_file
from quantize.training.shipped import RUNS_FOLDER

MEASURED = Path("docs/measured")


class StudyState(StrEnum):
    """Whether a study's figures are there, and of the files as they are now.

    ``KEPT`` are figures of these files in a report that was to measure them again and could not.
    """

    CURRENT = "up to date"
    OLD = "measured on an older file, or of sound heard otherwise"
    MISSING = "not measured yet"
    KEPT = "could not be measured again"


class Figures(Protocol):
    """A dataclass that a study gives: its file is written from it, and read back to it."""

    @property
    def made_of(self) -> object:
        """What the figures are of: files with what is served of them, or a recipe; compared whole and exactly."""


@dataclass(frozen=True, slots=True)
class Study:
    """One study: ``name`` is its file's, ``kind`` that of its command, module and part of the report.

    ``arguments`` are those of ``python -m quantize``, but for ``--root`` and ``--json``. ``made_of`` is what figures of
    what is there now say that they are of. ``sound`` is how voices are heard now, empty where the figures are of none.
    """

    name: str
    kind: str
    about: str
    arguments: tuple[str, ...]
    made_of: Any
    type: type[Any]
    sound: str = ""

    def __post_init__(self) -> None:
        if not self.made_of:
            raise ValueError(f"study {self.name}: nothing says of what its figures are, so any would do")

    @property
    def command(self) -> str:
        """What to type."""
        return f"python -m quantize {' '.join(self.arguments)} --root DATA --json {MEASURED}/{self.name}.json"

    def state(self, folder: Path) -> StudyState:
        """Whether the figures in ``folder`` are up to date."""
        try:
            figures, sound = read_figures(self._path(folder), self.type)
        except FileNotFoundError:
            return StudyState.MISSING
        except ValueError:  # half a file, or another version's; whoever wants its figures is told
            return StudyState.OLD
        is_of_these = figures.made_of == self.made_of and (not self.sound or sound == self.sound)
        return StudyState.CURRENT if is_of_these else StudyState.OLD

    def figures(self, folder: Path) -> Any:
        """What was measured, as ``type``. Raises ``AffectdError`` if the file does not hold it."""
        try:
            return read_figures(self._path(folder), self.type)[0]
        except (OSError, ValueError) as error:
            raise AffectdError(
                f"{self._path(folder)}: no figures of this version can be read there ({error}); run `{self.command}`"
            ) from error

    def keep(self, figures: Figures, folder: Path) -> None:
        """Write figures just made. Raises ``AffectdError``, also if they are not of the file that ships."""
        write_figures(self._path(folder), figures)
        if self.state(folder) is not StudyState.CURRENT:
            raise AffectdError(
                f"measured, but on another file than the one that ships: see whether {RUNS_FOLDER}/{self.about} "
                "holds another net; if not, the file was converted by another version, or on another kind of machine"
            )

    def _path(self, folder: Path) -> Path:
        return folder / f"{self.name}.json"


def read_figures(path: Path, figures: type[Any]) -> tuple[Any, str]:
    """Figures as they were written, and how sound was heard. Raises ``OSError``, and ``ValueError`` if it is others."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    found = msgspec.convert(raw, figures)
    try:
        return found, raw.get("sound", "")
    except AttributeError as error:
        raise ValueError(f"{path} holds no object") from error


def write_figures(path: Path, figures: Any) -> None:
    """Write them, and how sound is heard, making the folder if need be. Raises ``AffectdError``."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AffectdError(f"{path.parent}: cannot be made ({error.strerror}); choose another --json") from error
    write_file(path, (json.dumps({**asdict(figures), "sound": TAKEN_OUT}, indent=1) + "\n").encode())
