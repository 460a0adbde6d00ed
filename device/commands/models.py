"""``affectd models``: which models are there, and whether they are whole."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from device.models.card import Card
from device.models.runtime import runtime_name
from device.models.sets import list_sets, load_set, models_folder
from device.models.tflite import TfliteModel


def run(options: argparse.Namespace) -> int:
    """List the sets, the default one first, or load every file and compare it with its card."""
    folder = models_folder(options.dir)
    return _verify(folder) if options.action == "verify" else _list(folder)


def _list(folder: Path) -> int:
    table = Table("set", "face", "speech", title=f"Model sets in {folder} (the first is the default)")
    for name in list_sets(folder):
        models = load_set(folder, name)
        table.add_row(name, _described(models.face), _described(models.speech))
    Console().print(table)
    return 0


def _described(card: Card) -> str:
    return f"{card.id} ({card.sha256[:12]})"


def _verify(folder: Path) -> int:
    cards = {card.id: card for name in list_sets(folder) for card in load_set(folder, name).cards}
    for card in cards.values():
        TfliteModel(card, folder)
        print(f"ok  {card.id}  {card.file}  sha256 {card.sha256}")
    print(f"{len(cards)} models are what their cards say, and load in {runtime_name()}")
    return 0
