"""A whole comparison: what was compared, on what, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

from desktop_server.comparison.corpus import CorpusComparison
from desktop_server.comparison.cost import Cost
from desktop_server.comparison.recording import MediaComparison
from desktop_server.comparison.sides import SideSummary

SCHEMA = "affectd.comparison/1"


@dataclass(frozen=True, slots=True)
class Comparison:
    """All figures, as they are written in JSON. One of ``corpus`` and ``media`` is there."""

    schema: str
    version: str
    model_set: str
    int8: SideSummary
    float32: SideSummary
    corpus: CorpusComparison | None
    media: MediaComparison | None
    cost: Cost
