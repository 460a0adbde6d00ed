"""How one net is made: what it is called, trained on and trained with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from quantize.courses import Plan
from quantize.datasets import Dataset
from quantize.inputs import FrontEnd
from quantize.takes import TakeLibrary


@dataclass(frozen=True, slots=True)
class Refit:
    """Which answer's last layer is fitted anew after training (``quantize.refit``), with which ridge.

    ``prior_strength`` is how much of the classes' shares is taken from it then (``quantize.priors``).
    """

    answer: str
    ridge: float
    prior_strength: float


@dataclass(frozen=True, slots=True)
class ProsodyFit:
    """How the answer to prosody is fitted after training (``quantize.prosody_fit``).

    ``library`` is where the plan's own takes are; ``shares`` are of the corpora, of which all classes count alike;
    ``ridge`` is for statistics of about unit deviation; ``strength`` is how much the answer's logits count beside
    those of the spectra.
    """

    library: TakeLibrary
    shares: Mapping[str, float]
    ridge: float
    strength: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """One model's making.

    ``answers`` are what the net gives. ``scored_on`` are the corpora whose test parts the card tells of and, if it
    ``fits_temperature``, on whose validation parts it is chosen what is served (``quantize.serving``); else it is the
    first answer, as it was trained. ``plan`` is how
    the training part is gone through. ``patience`` is the number of epochs without a better validation accuracy after
    which training stops and the best epoch's net is kept; without it all epochs are trained and the last one's is.
    ``averaging`` is what a step keeps of the running mean of the weights that answers; without it the net itself does.
    A net that is ``grown_from`` another recipe's begins with what that one has learnt, in the run beside its own;
    with a ``taught_share`` it also aims, in so far, at what that one answers (``quantize.teaching``), and of the way
    from that one's weights to its own it goes ``way_kept`` in the end (``quantize.averaging.between``).
    A net that is not ``is_shipped`` is kept beside this package, to bear out figures.
    Of the values of a tensor on the calibration set, ``beyond_range`` may lie above its int8 range, and below it.
    With ``pictures_grow`` the net is trained on pictures of several sizes. The texts go into the card.
    """

    id: str
    description: str
    dataset: Dataset
    scored_on: tuple[Dataset, ...]
    front_end: FrontEnd
    architecture: Callable[[Any], Any]
    optimizer: Callable[[Any], Any]
    loss: str | Callable[[Any, Any], Any]
    plan: Plan
    epochs: int
    told: str
    intended_use: str
    limits: str
    answers: tuple[str, ...] = ("acted",)
    patience: int | None = None
    averaging: float | None = None
    grown_from: Recipe | None = None
    taught_share: float = 0.0
    way_kept: float = 1.0
    refit: Refit | None = None
    prosody: ProsodyFit | None = None
    is_shipped: bool = True
    pictures_grow: bool = False
    fits_temperature: bool = False
    beyond_range: float = 0.0

    @property
    def lineage(self) -> tuple[Recipe, ...]:
        """The recipes that a net of this one goes through, the first one first, this one last."""
        return (*(self.grown_from.lineage if self.grown_from else ()), self)

    @property
    def is_finished_apart(self) -> bool:
        """Whether the net that a whole training gives is another than the one that answered in its last epoch."""
        return self.refit is not None or self.prosody is not None or self.way_kept < 1

    def answer_number(self, name: str) -> int:
        """Which of the answers has this name; the first where none has."""
        return self.answers.index(name) if name in self.answers else 0


INTENDED_USE = (
    "Research on emotion estimation on small devices, at home, with the consent of those seen and heard. "
    "Not for decisions about people, and not where the law forbids it (in the EU: at work and in schools)."
)
