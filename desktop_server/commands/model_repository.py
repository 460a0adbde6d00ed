"""``affectd-server model-repository``: the float nets laid out for NVIDIA Triton."""

from __future__ import annotations

import argparse
from pathlib import Path

from desktop_server.inference.model_repository import Batches, write_repository
from desktop_server.inference.onnx import float_models_folder
from desktop_server.settings import ServerSettings, load_server_settings
from device.models.card import Card
from device.models.sets import list_sets, load_set


def run(options: argparse.Namespace) -> int:
    """Write it and say where."""
    settings = load_server_settings(options.config)
    models = float_models_folder(settings.models.dir)
    for folder in write_repository(options.folder, _cards(models, options.model_set), models, _batches(settings)):
        print(folder)
    return 0


def _cards(models: Path, name: str) -> list[Card]:
    names = [name] if name else list_sets(models)
    sets = [load_set(models, chosen) for chosen in names]
    return list({card.id: card for found in sets for card in found.models.values()}.values())


def _batches(settings: ServerSettings) -> Batches:
    chosen = settings.batching
    return Batches(size=chosen.size, wait_us=round(chosen.wait_ms * 1000), queue=chosen.queue)
