"""What a study's figures are of: read from the figures themselves, to be held against what ships now.

Each kind of study has its own fields. They are compared whole and exactly: a hash that stands somewhere else in the
file proves nothing, and neither does the hash of a file of whose answers something else is served by now.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from device.errors import AffectdError
from device.models.card import Card
from quantize.checkpoints import training_of

Json = dict[str, Any]


def version(card: Card) -> Json:
    """A file, and what is served of its answers, as figures tell it."""
    found: Json = json.loads(json.dumps({"sha256": card.sha256, "served": asdict(card.served)}))
    return found


def made_of(kind: str, figures: Json) -> Any:
    """What figures of this kind of study say that they are of; ``None`` if they do not say it."""
    try:
        return _READERS[kind](figures)
    except (KeyError, IndexError, TypeError, AffectdError):
        return None


def _version(told: Json, sha256: str = "sha256", served: str = "served") -> Json:
    return {"sha256": told[sha256], "served": told[served]}


def _of_training(figures: Json) -> Json:
    """The last training, by the epoch whose net is the result: its losses are as good as a hash."""
    return asdict(training_of(figures["trainings"][-1]).chosen)


def _of_fusion(figures: Json) -> list[Any]:
    simulated, heard = figures["simulated"], figures["same_performance"][0]["speech_files"]
    nets = [_version(simulated, f"{kind}_sha256", f"{kind}_served") for kind in ("face", "speech")]
    return [*nets, *(file.rpartition(" ")[2] for file in heard)]


_READERS: Mapping[str, Callable[[Json], Any]] = {
    "scores": lambda figures: [_version(figures)],
    "against": lambda figures: [_version(figures[side]["part"]) for side in ("model", "than")],
    "training": _of_training,
    "formats": lambda figures: [{"sha256": figures["forms"][-1]["sha256"], "served": figures["served"]}],
    "layers": lambda figures: [_version(figures, "int8_sha256")],
    "robustness": lambda figures: [_version(part) for part in figures["parts"]],
    "fairness": lambda figures: [_version(part) for part in figures["parts"]],
    "served": lambda figures: {"sha256": figures["sha256"], "rules": [figures["rule"], figures["threshold"]["rule"]]},
    "fusion": _of_fusion,
    "prosody": lambda figures: figures["files"],
    "protocol": lambda figures: {name: figures[name] for name in ("model", "net", "recipe", "features", "epochs")},
}
