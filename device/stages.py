"""Interfaces of the pipeline's stages. Whatever has one of these shapes can stand in: a list, a file, a fake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar

from device.readings import Estimate, Reading
from device.signals import AnySignal

Signal = TypeVar("Signal", bound=AnySignal)
Produced = TypeVar("Produced", bound=AnySignal, covariant=True)
Consumed = TypeVar("Consumed", bound=AnySignal, contravariant=True)


class Source(Protocol[Produced]):
    """A sensor or a recording; opened as a context manager, read by iterating."""

    def __enter__(self) -> Self:
        """Open it. Raises ``SourceUnavailable`` or ``MediaError``."""

    def __exit__(self, *exc: object) -> None:
        """Close it."""

    def __iter__(self) -> Iterator[Produced]:
        """The signals until the end of a recording or ``close``. Raises ``SourceLost``."""

    def close(self) -> None:
        """End the iteration soon; may be called from another thread."""

    @property
    def is_finite(self) -> bool:
        """Whether it has an end of its own. A sensor has none: one that ends unasked is lost."""

    @property
    def dropped(self) -> int:
        """Signals that were lost: they came damaged, or nobody took them in time."""

    @property
    def warning(self) -> str:
        """What is wrong although signals come, in words; empty when nothing is."""

    @property
    def blind(self) -> bool:
        """Whether the warning is such that what comes must not be believed."""


class Recogniser(Protocol[Consumed]):
    """A model with its front end: signals to readings."""

    def __call__(self, signal: Consumed, /) -> Reading | None:
        """A reading; ``None`` for no face, silence, or not enough yet."""

    def follow_up(self) -> None:
        """Work for the signals after, which the newest reading need not wait for. Call it before the next signal."""

    def finish(self) -> Reading | None:
        """What is still due when the stream ends."""


class Fuser(Protocol):
    """Readings to estimates, see ``device.fusion.temporal.TemporalFusion``."""

    def step(self, reading: Reading, /) -> Estimate:
        """Take a reading in."""

    def tick(self, now_ns: int, /) -> Estimate | None:
        """Let time pass."""

    def lose(self, now_ns: int, reason: str, /) -> Estimate | None:
        """Let time pass while no sensor tells of the world."""


@dataclass(frozen=True)
class Branch(Generic[Signal]):
    """A way from a sensor to readings: how to make the source anew, and who reads it.

    A ``required`` branch whose source is not there at the start ends the whole with its error.
    """

    name: str
    open_source: Callable[[], Source[Signal]]
    recognise: Recogniser[Signal]
    required: bool = False


AnyBranch = Branch[Any]
