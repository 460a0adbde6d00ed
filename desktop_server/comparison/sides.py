"""The two that are compared: a model set as the appliance runs it, and its float twin."""

from __future__ import annotations

from dataclasses import dataclass

from desktop_server.inference.onnx import float_engine
from desktop_server.inference.provider import Provider
from desktop_server.schema.analysis import PrecisionName
from device.errors import ModelError
from device.models.card import Card
from device.models.net import Engine, Net
from device.models.sets import ModelSet, load_set
from device.wiring.models import TFLITE


@dataclass(frozen=True, slots=True)
class Side:
    """One precision: what runs it, and its files."""

    precision: PrecisionName
    engine: Engine
    models: ModelSet

    def load_net(self, kind: str) -> Net:
        """The net of this kind, ``face`` or ``speech``."""
        return self.engine.load_net(self.card(kind), self.models.folder)

    def card(self, kind: str) -> Card:
        """Its card."""
        return {card.kind: card for card in self.models.cards}[kind]


@dataclass(frozen=True, slots=True)
class SideSummary:
    """A side for whoever reads the figures: ``models`` are the sums of the files by id, ``bytes`` their sizes."""

    runtime: str
    models: dict[str, str]
    bytes: dict[str, int]


def both_sides(name: str, provider: Provider) -> tuple[Side, Side]:
    """The named set, or the default one, in int8 and in float. Raises ``ConfigError`` or ``ModelError``."""
    engine = float_engine(provider)
    int8 = Side("int8", TFLITE, load_set(TFLITE.folder("", name), name))
    full = Side("float32", engine, load_set(engine.folder("", int8.models.name), int8.models.name))
    for kind in ("face", "speech"):
        require_twins(int8.card(kind), full.card(kind))
    return int8, full


def summarized(side: Side, kinds: tuple[str, ...]) -> SideSummary:
    """What of a side is compared."""
    cards = [side.card(kind) for kind in kinds]
    return SideSummary(
        runtime=side.engine.name(),
        models={card.id: card.sha256 for card in cards},
        bytes={card.id: (side.models.folder / card.file).stat().st_size for card in cards},
    )


def require_twins(int8: Card, full: Card) -> None:
    """Otherwise the difference of two trainings would be told as the price of int8. Raises ``ModelError``."""
    if full.about.get("twin", {}).get("sha256") != int8.sha256:
        raise ModelError(
            f"model {full.id}: it is not the float twin of {int8.id} ({int8.sha256[:8]}); write it again: "
            f"python -m quantize server-models {int8.id}"
        )
