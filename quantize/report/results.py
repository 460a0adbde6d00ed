"""All that the report is made from: cards, studies with their figures, and counted instructions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from device.models.card import Card
from device.models.sets import ModelSet, list_sets, load_set
from quantize.made_of import Json
from quantize.measured import State, Study, studies
from quantize.report.drawing import SERIES

INSTRUCTIONS = Path("docs/instructions.json")


_OF_THESE_FILES = (State.CURRENT, State.KEPT)


@dataclass(frozen=True, slots=True)
class Measured:
    """A study, its state, and its figures if there are some."""

    study: Study
    state: State
    figures: Json | None


@dataclass(frozen=True, slots=True)
class Results:
    """Everything by name; ``sets`` in the order of their colours, ``instructions`` empty if none were counted."""

    sets: tuple[ModelSet, ...]
    measured: tuple[Measured, ...]
    instructions: Json

    def of(self, kind: str) -> Iterator[tuple[Study, Json]]:
        """The studies of one kind that have figures."""
        for own in self.measured:
            if own.study.kind == kind and own.figures is not None:
                yield own.study, own.figures

    def current(self, kind: str) -> Iterator[tuple[Study, Json]]:
        """Those of one kind whose figures are of the files as they are now."""
        for own in self.measured:
            if own.study.kind == kind and own.figures is not None and own.state in _OF_THESE_FILES:
                yield own.study, own.figures

    def lacking(self, kind: str) -> Iterator[Measured]:
        """Those that are missing or old."""
        return (own for own in self.measured if own.study.kind == kind and own.state is not State.CURRENT)

    def scores(self, name: str) -> Json | None:
        """What ``evaluate`` wrote as ``scores-NAME.json``, if it is there and of the file as it is now."""
        return next((figures for study, figures in self.current("scores") if study.name == f"scores-{name}"), None)

    @property
    def cards(self) -> tuple[Card, ...]:
        """Those of all sets' face and speech models, each once."""
        return tuple({card.id: card for chosen in self.sets for card in (chosen.face, chosen.speech)}.values())

    def colour(self, model: str) -> str:
        """A set's colour, also for its fold nets."""
        for number, chosen in enumerate(self.sets):
            if model.startswith((chosen.face.id, chosen.speech.id)):
                return SERIES[number % len(SERIES)]
        return SERIES[-1]

    def instructions_of(self, card: Card) -> int | None:
        """Counted for this very file, or ``None``."""
        if self.instructions.get("models", {}).get(card.id) != card.sha256:
            return None
        return int(self.instructions["stages"][f"{card.kind} net"]["instructions"])


def read_results(
    models: Path, measured: Path, witnesses: Path, failed: Collection[str] = (), instructions: Path = INSTRUCTIONS
) -> Results:
    """Read all; ``failed`` names studies just tried in vain. Raises ``AffectdError`` if a file there is broken."""
    names = sorted(list_sets(models), key=lambda name: (name != "baseline", name))
    return Results(
        sets=tuple(load_set(models, name) for name in names),
        measured=tuple(_read(study, measured, study.name in failed) for study in studies(models, witnesses)),
        instructions=json.loads(instructions.read_text(encoding="utf-8")) if instructions.exists() else {},
    )


def _read(study: Study, folder: Path, has_failed: bool) -> Measured:
    state = study.state(folder)
    if state is State.CURRENT and has_failed:
        state = State.KEPT
    return Measured(study, state, None if state is State.MISSING else study.figures(folder))
