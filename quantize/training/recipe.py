"""Training recipe: what a net is called, trained on and trained with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from quantize.datasets import Dataset, Split
from quantize.inputs.front_ends import CorpusFrontEnd
from quantize.training.batches import BatchPlan

SEED = 1
"""Of a training, unless another is asked for."""


@dataclass(frozen=True, slots=True)
class Finishing:
    """What a finish step may use: the recipe, its corpus, and ``initial``, which gives the net that it began with."""

    recipe: Recipe
    split: Split
    initial: Callable[[], Any]


class FinishStep(Protocol):
    """A step after the last epoch, for which nothing has to be trained."""

    def __call__(self, net: Any, about: Finishing, /) -> Any:
        """The net that the step makes of ``net``. Raises ``AffectdError`` where it lacks something."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One model's making.

    ``heads`` are the rows of the net's output: whose judgement each gives. ``scored_on`` are the corpora whose test
    parts the card tells of and, if it ``fits_temperature``, on whose validation parts it is chosen what is served
    (``quantize.conversion.serving``); else it is the first head, as it was trained. ``plan`` is how the training part
    is gone through. ``patience`` is the number of epochs without a better validation accuracy after which training
    stops and the best epoch's net is kept; without it all epochs are trained and the last one's is. ``ema_decay`` is
    what a step keeps of the running mean of the weights that answers; without it the net itself does. A net that is
    ``initial_from`` another recipe's begins with what that one has learnt, in the run beside its own; with a
    ``distillation_weight`` it also aims, in so far, at what that one answers (``quantize.training.distillation``).
    ``finish`` makes another net of the one that answered in the last epoch, step by step. A net that is not
    ``is_shipped`` is kept beside this package, to bear out figures. Of the values of a tensor on the calibration set,
    ``calibration_tail`` may lie above its int8 range, and below it. With ``progressive_resizing`` the net is trained on
    pictures of several sizes. ``arguments`` of `train` make a net of somebody's own folder, which may lack classes; all
    that is made of it stays in its run. The texts go into the card.
    """

    id: str
    description: str
    dataset: Dataset
    scored_on: tuple[Dataset, ...]
    front_end: CorpusFrontEnd
    architecture: Callable[[Any], Any]
    optimizer: Callable[[Any], Any]
    loss: str | Callable[[Any, Any], Any]
    plan: BatchPlan
    epochs: int
    summary: str
    intended_use: str
    limits: str
    heads: tuple[str, ...] = ("acted",)
    patience: int | None = None
    ema_decay: float | None = None
    initial_from: Recipe | None = None
    distillation_weight: float = 0.0
    finish: tuple[FinishStep, ...] = ()
    is_shipped: bool = True
    progressive_resizing: bool = False
    fits_temperature: bool = False
    calibration_tail: float = 0.0
    arguments: str = ""

    @property
    def is_own(self) -> bool:
        """Whether it is trained on somebody's own folder."""
        return bool(self.arguments)

    @property
    def lineage(self) -> tuple[Recipe, ...]:
        """The recipes that a net of this one goes through, the first one first, this one last."""
        return (*(self.initial_from.lineage if self.initial_from else ()), self)

    def head_number(self, name: str) -> int:
        """Which of the heads has this name; the first where none has."""
        return self.heads.index(name) if name in self.heads else 0


INTENDED_USE = (
    "Research on emotion estimation on small devices, at home, with the consent of those seen and heard. "
    "Not for decisions about people, and not where the law forbids it (in the EU: at work and in schools)."
)
