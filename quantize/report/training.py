"""Learning curves, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import accumulate
from typing import Any

from device.models.card import Card
from quantize.recipes.registry import find_recipe
from quantize.report.drawing import MUTED, in_percent, mark_chance, plot
from quantize.report.parts import Plot, Plots
from quantize.report.results import Results
from quantize.training.checkpoints import Epoch, Training, read_state
from quantize.training.shipped import CHECKPOINTS_FOLDER


def drawings(results: Results) -> list[Plots]:
    """Losses of the nets that ship, and the validation accuracies of those that have a validation part."""
    panels: list[Plot] = []
    for card in results.cards:
        if trainings := trainings_of(card):
            panels.append(_losses(results, card.id, trainings))
            if trainings[-1].chosen.validation_accuracy is not None:
                panels.append(_accuracies(results, card.id, trainings))
    caption = (
        "The training loss has what a recipe adds to it (label smoothing, weight decay); only its fall tells. "
        "At a dotted line the next net went on from there: with blocks that at first change nothing, or with other "
        "aims."
    )
    return [Plots(caption, panels)] if panels else []


def trainings_of(card: Card) -> list[Training]:
    """Those that the card's net went through, its own one last; none where they are not kept, or are another net's."""
    kept = [read_state(CHECKPOINTS_FOLDER / stage.id) for stage in find_recipe(card.id).lineage]
    trainings = [training for training in kept if training is not None]
    is_its_own = len(trainings) == len(kept) and asdict(trainings[-1].chosen) == card.about["chosen_epoch"]
    return trainings if is_its_own else []


def _epochs_of(trainings: Sequence[Training]) -> list[Epoch]:
    return [epoch for training in trainings for epoch in training.epochs]


def _losses(results: Results, model: str, trainings: Sequence[Training]) -> Plot:
    epochs = _epochs_of(trainings)
    numbers = range(1, len(epochs) + 1)
    lines: list[tuple[str, list[float | None], str]] = [
        ("training", [epoch.loss for epoch in epochs], MUTED),
        ("validation", [epoch.validation_loss for epoch in epochs], results.colour(model)),
    ]

    def draw(axes: Any) -> None:
        for label, values, colour in lines:
            if values[-1] is None:
                continue
            axes.plot(numbers, values, color=colour)
            axes.text(numbers[-1] * 1.02, values[-1], label, color=colour, fontsize=8, va="center")
        _mark_epochs(axes, trainings)
        axes.set_ylabel("loss in nats")
        axes.grid(visible=True, axis="y")

    alt = f"{model}: training loss from {epochs[0].loss:.2f} to {epochs[-1].loss:.2f} in {len(epochs)} epochs."
    return plot(f"training-loss-{model}", f"Training of {model}: loss", alt, draw)


def _accuracies(results: Results, model: str, trainings: Sequence[Training]) -> Plot:
    epochs = _epochs_of(trainings)
    values = [100 * (epoch.validation_accuracy or 0) for epoch in epochs]
    chosen = epochs.index(trainings[-1].chosen) + 1
    reached = values[chosen - 1]

    def draw(axes: Any) -> None:
        colour = results.colour(model)
        axes.plot(range(1, len(epochs) + 1), values, color=colour)
        axes.plot(chosen, reached, "o", color=colour)
        text = f"kept: epoch {chosen}, {reached:.1f} %"
        axes.annotate(text, (chosen, reached), (0, 8), textcoords="offset points", fontsize=8, ha="right")
        in_percent(axes)
        mark_chance(axes)
        _mark_epochs(axes, trainings)
        axes.set_ylabel("validation accuracy")

    alt = f"{model}: validation accuracy {reached:.1f} % at epoch {chosen}, which was kept."
    return plot(f"training-accuracy-{model}", f"Training of {model}: accuracy", alt, draw)


def _mark_epochs(axes: Any, trainings: Sequence[Training]) -> None:
    *earlier, last = accumulate(len(training.epochs) for training in trainings)
    for end in earlier:
        axes.axvline(end + 0.5, color=MUTED, linestyle=":", linewidth=1)
    axes.set(xlabel="epoch", xlim=(0, 1.3 * last))
    axes.tick_params(length=0)
    axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= last])
