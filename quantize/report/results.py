"""The report's sources: cards, studies with their figures, and counted instructions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from device.models.card import Card
from device.models.sets import ModelSet, list_sets, load_set
from quantize.report.drawing import SERIES
from quantize.studies.registry import studies
from quantize.studies.study import Study, StudyState

INSTRUCTIONS = Path("docs/instructions.json")

F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Measured:
    """A study, its state, and its figures if there are some."""

    study: Study
    state: StudyState
    figures: Any | None


@dataclass(frozen=True, slots=True)
class Results:
    """Everything by name; ``sets`` in the order of their colours, ``instructions`` empty if none were counted."""

    sets: tuple[ModelSet, ...]
    measured: tuple[Measured, ...]
    instructions: dict[str, Any]

    def of(self, figures: type[F]) -> list[F]:
        """The figures of this type."""
        return [own.figures for own in self.measured if isinstance(own.figures, figures)]

    def of_kind(self, kind: str) -> list[Any]:
        """The figures of the studies of this kind."""
        return [own.figures for own in self.measured if own.study.kind == kind and own.figures is not None]

    def lacking(self) -> Iterator[Measured]:
        """Those that are missing or old."""
        return (own for own in self.measured if own.state is not StudyState.CURRENT)

    @property
    def cards(self) -> tuple[Card, ...]:
        """Those of all sets' face and speech models, each once."""
        return tuple({card.id: card for chosen in self.sets for card in chosen.models.values()}.values())

    def colour(self, model: str) -> str:
        """A set's colour, also for its fold nets."""
        for number, chosen in enumerate(self.sets):
            if model.startswith(tuple(card.id for card in chosen.models.values())):
                return SERIES[number % len(SERIES)]
        return SERIES[-1]

    def instructions_of(self, card: Card) -> int | None:
        """Counted for this very file, or ``None``."""
        if self.instructions.get("models", {}).get(card.id) != card.sha256:
            return None
        return int(self.instructions["stages"][f"{card.kind} net"]["instructions"])


def read_results(
    models: Path,
    measured: Path,
    cross_validation: Path,
    failed: Collection[str] = (),
    instructions: Path = INSTRUCTIONS,
) -> Results:
    """Read all; ``failed`` names studies just tried in vain. Raises ``AffectdError`` if a file there is broken."""
    names = sorted(list_sets(models), key=lambda name: (name != "baseline", name))
    return Results(
        sets=tuple(load_set(models, name) for name in names),
        measured=tuple(_read(study, measured, study.name in failed) for study in studies(models, cross_validation)),
        instructions=json.loads(instructions.read_text(encoding="utf-8")) if instructions.exists() else {},
    )


def _read(study: Study, folder: Path, has_failed: bool) -> Measured:
    state = study.state(folder)
    if state is StudyState.CURRENT and has_failed:
        state = StudyState.KEPT
    return Measured(study, state, None if state is StudyState.MISSING else study.figures(folder))
