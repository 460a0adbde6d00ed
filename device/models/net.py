"""What recognisers need of a net, whatever runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from device.models.card import Card

FloatArray = NDArray[np.float32]


class Net(Protocol):
    """A model behind whatever runs it: float32 of the card's input shape without the batch in, likewise out."""

    @property
    def card(self) -> Card:
        """What it is, eats and gives."""

    def __call__(self, values: FloatArray, /) -> tuple[FloatArray, ...]:
        """Run it once: one array an output."""


OpenNet = Callable[[Card, Path], Net]
"""A card and the folder of its file to a net. Raises ``ModelError`` if the file is not what the card says."""


@dataclass(frozen=True, slots=True)
class Engine:
    """How nets are run: what opens them, its name, and the folder of a set's files.

    ``folder`` takes what the settings call folder and set, each empty where they name none. ``problem`` says why it is
    not what it could be on this machine; empty where it is.
    """

    name: Callable[[], str]
    folder: Callable[[str, str], Path]
    open_net: OpenNet
    problem: str = ""
