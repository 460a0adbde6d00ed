"""Sections of the report in their order; what they say in words is in ``sections.toml`` and in ``tables``."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from quantize.report import cost, fairness, robustness, scores, training
from quantize.report.content import content
from quantize.report.parts import Plots, Section
from quantize.report.results import Measured, Results
from quantize.studies.study import StudyState

_DRAWN: Mapping[str, Callable[[Results], Sequence[Plots]]] = {
    "confusions": scores.confusions,
    "reliability": scores.reliabilities,
    "training": training.drawings,
    "robustness": robustness.drawings,
    "fairness": fairness.drawings,
}
_FIGURES: Mapping[str, Callable[[Results], Sequence[Any]]] = {
    "cost": cost.cost_points,
    "studies": lambda results: results.measured,
}
"""Of the sections that are not of one kind of studies."""


def sections(results: Results) -> list[Section]:
    """All parts."""
    parts = tomllib.loads(files(__package__).joinpath("sections.toml").read_text(encoding="utf-8"))["part"]
    return [_section(part, results) for part in parts]


def _section(part: Mapping[str, str], results: Results) -> Section:
    name, kind = part["id"], part["kind"]
    lacks = tuple(state_in_words(own) for own in results.lacking() if own.study.kind == kind)
    figures = _FIGURES[name](results) if name in _FIGURES else results.of_kind(kind)
    drawn = _DRAWN[name](results) if name in _DRAWN else ()
    told = content(name, figures, drawn, cards=results.cards, peers=cost.PEER_NETS)
    return Section(name, part["title"], " ".join(part["intro"].split()), told, lacks)


def state_in_words(own: Measured) -> str:
    """A study that is missing, old, or tried in vain, in a line."""
    study = own.study
    if own.state is StudyState.KEPT:
        return f"{study.about}: could not be measured again, what is shown was measured before: run `{study.command}`"
    if own.state is StudyState.MISSING:
        return f"{study.about}: not measured yet: run `{study.command}`"
    heard = ", or of sound heard otherwise than now" if study.sound else ""
    return f"{study.about}: measured on an older file than the one that ships now{heard}: run `{study.command}` again"


def missing_or_old(results: Results) -> Iterator[str]:
    """Every study that is not up to date, in a line."""
    return map(state_in_words, results.lacking())
