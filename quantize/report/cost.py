"""Accuracy against cost: bytes of the file, and instructions on the Pi's processor."""

from __future__ import annotations

from dataclasses import dataclass

from device.models.card import Card
from quantize.evaluation.bootstrap import Figure
from quantize.report.results import Results


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody else's face net, as measured on FER2013 PrivateTest, all 3,589 pictures; ``parameters`` if stated."""

    name: str
    accuracy: float
    parameters: int | None


PEER_NETS = (
    Peer("big_XCEPTION", 0.669, 209_000),
    Peer("fer 25.10.3", 0.658, 58_000),
    Peer("face-api 1.7.15", 0.589, None),
    Peer("facial-emotion-recognition 0.3.4", 0.525, None),
    Peer("facex 1.1.0", 0.430, None),
)
"""The project's own benchmark of peers that run offline: one thread, the same pictures, no other training."""


@dataclass(frozen=True, slots=True)
class CostPoint:
    """A file's accuracy and its costs; ``instructions`` an inference, if they were counted."""

    card: Card
    accuracy: Figure
    bytes: int
    instructions: int | None
    ms_per_million: float


def cost_points(results: Results) -> list[CostPoint]:
    """Each file, on the first of the corpora that its card tells of."""
    return [_point(results, card) for card in results.cards]


def _point(results: Results, card: Card) -> CostPoint:
    corpus = next(iter(card.about["metrics"]["int8"].values()))
    size = (results.sets[0].folder / card.file).stat().st_size
    per_million = results.instructions.get("ms_per_million", 0)
    return CostPoint(card, Figure(**corpus["test"]["accuracy"]), size, results.instructions_of(card), per_million)
