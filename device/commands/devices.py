"""``affectd devices``: what can be written into the configuration."""

from __future__ import annotations

import argparse

from device.capture.cameras import found_cameras
from device.capture.microphone import list_microphones
from device.errors import SourceUnavailable


def run(_options: argparse.Namespace) -> int:
    """List cameras and microphones."""
    _print_names("Cameras ([camera] source = …)", found_cameras())
    try:
        _print_names("Microphones ([microphone] name = …)", list_microphones())
    except SourceUnavailable as error:
        print(f"Microphones: {error}")
    return 0


def _print_names(title: str, names: list[str]) -> None:
    print(title)
    for name in names or ["none found"]:
        print(f'  "{name}"' if names else f"  {name}")
