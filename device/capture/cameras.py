"""The kinds of camera: one file ``camera_*.py`` each, which registers itself by the prefix of its ``source``."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Protocol

from device import capture
from device.signals import Frame
from device.stages import Source

_KINDS: dict[str, CameraKind] = {}


class OpenCamera(Protocol):
    """Makes a source, not yet open. ``address``: the settings' ``camera.source``, less the kind's prefix."""

    def __call__(self, address: str, /, *, size_px: tuple[int, int], rate_hz: float) -> Source[Frame]:
        """A camera that gives pictures of about this size, so many a second."""


@dataclass(frozen=True, slots=True)
class CameraKind:
    """One kind. Its settings are its own: what follows ``PREFIX:`` in ``[camera] source``.

    ``list_cameras`` gives the addresses of those that are there. ``prefix`` empty: whatever no other kind claims.
    """

    prefix: str
    open: OpenCamera
    list_cameras: Callable[[], list[str]]


def register(kind: CameraKind) -> None:
    """Add a kind; the file that reads such cameras does so when it is imported."""
    _KINDS[kind.prefix] = kind


def open_camera_kind(source: str, *, size_px: tuple[int, int], rate_hz: float) -> Source[Frame]:
    """The camera that ``[camera] source`` names, not yet open."""
    prefix, _, rest = source.partition(":")
    kinds = camera_kinds()
    if prefix and prefix in kinds:
        return kinds[prefix].open(rest, size_px=size_px, rate_hz=rate_hz)
    return kinds[""].open(source, size_px=size_px, rate_hz=rate_hz)


def found_cameras() -> list[str]:
    """Every camera that is there, by the name that ``[camera] source`` takes."""
    return [
        f"{prefix}:{name}" if prefix else name
        for prefix, kind in sorted(camera_kinds().items(), key=lambda item: not item[0])
        for name in kind.list_cameras()
    ]


@cache
def camera_kinds() -> dict[str, CameraKind]:
    """All kinds by their prefix; the first call imports their files."""
    for module in pkgutil.iter_modules(capture.__path__):
        if module.name.startswith("camera_"):
            import_module(f"{capture.__name__}.{module.name}")
    return _KINDS
