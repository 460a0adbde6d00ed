"""Writes a model's card: what the file is by its own account, and what is told about it for people."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from device.models.card import Answer, Card, Served
from device.models.runtime import open_interpreter
from device.models.tflite import spec_of
from device.readings import EMOTIONS
from quantize.checkpoints import write_beside

RUNTIMES = ("ai-edge-litert", "tflite-runtime")


def describe(
    path: Path, *, kind: str, features: str, answers: Sequence[str], served: Served, about: Mapping[str, Any]
) -> Card:
    """The card of an emotion model's file; shapes, types and scales are read from the file."""
    interpreter = open_interpreter(path)
    (given,), outputs = interpreter.get_input_details(), interpreter.get_output_details()
    return Card(
        id=path.stem,
        kind=kind,
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        features=features,
        labels=tuple(str(emotion) for emotion in EMOTIONS),
        input=spec_of(given),
        outputs=tuple(spec_of(output) for output in outputs),
        runtimes=RUNTIMES,
        answers=tuple(map(Answer, answers)),
        served=served,
        about=about,
    )


def write_card(card: Card, folder: Path) -> Path:
    """Write the card beside its file, as ``<id>.json``."""
    path = folder / f"{card.id}.json"
    write_beside(path, (json.dumps(asdict(card), indent=1, ensure_ascii=False) + "\n").encode())
    return path
