"""The interface of a net, whatever runs it, and of the engines that load one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from device.arrays import FloatArray
from device.models.card import Card


class Net(Protocol):
    """A model behind whatever runs it: float32 of the shapes of the card's inputs, without the batch; likewise out."""

    @property
    def card(self) -> Card:
        """What it is, its input and its outputs."""

    def __call__(self, *values: FloatArray) -> tuple[FloatArray, ...]:
        """Run it once: one array an input in the card's order, and one an output."""


def one_sample(card: Card, values: Sequence[FloatArray]) -> list[FloatArray]:
    """The inputs of one sample as a batch of one: an array an input, with the batch's axis."""
    return [given.reshape(spec.shape) for spec, given in zip(card.inputs, values, strict=True)]


NetLoader = Callable[[Card, Path], Net]
"""A card and the folder of its file to a net. Raises ``ModelError`` if the file is not what the card says."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Engine that runs nets: what loads them, its name, and the folder of a set's files.

    ``folder`` takes what the settings call folder and set, each empty where they name none. ``problem`` says why it is
    not what it could be on this machine; empty where it is.
    """

    name: Callable[[], str]
    folder: Callable[[str, str], Path]
    load_net: NetLoader
    problem: str = ""
