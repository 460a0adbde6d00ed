"""How the nets learned, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from quantize.made_of import Json
from quantize.report.drawing import MUTED, in_percent, mark_chance, plot
from quantize.report.parts import Content, Plot, Plots
from quantize.report.results import Results


@dataclass(frozen=True, slots=True)
class History:
    """The epochs of all trainings that a net went through, numbered on; ``grown_after`` some of them it grew."""

    model: str
    epochs: list[Json]
    grown_after: tuple[int, ...]

    @property
    def numbers(self) -> list[int]:
        """1, 2, 3…"""
        return list(range(1, len(self.epochs) + 1))


def content(results: Results) -> Content:
    """Losses of all nets, and the validation accuracies of those that have a validation part."""
    panels: list[Plot] = []
    for study, found in results.of("training"):
        history = _history(study.about, found["trainings"])
        panels.append(_losses(results, history))
        if history.epochs[-1]["validation_accuracy"] is not None:
            panels.append(_accuracies(results, history))
    caption = (
        "The training loss has what a recipe adds to it (label smoothing, weight decay); only its fall tells. "
        "At a dotted line the next net went on from there: with blocks that at first change nothing, or with other "
        "aims."
    )
    return Content(shown=[Plots(caption, panels)] if panels else [])


def _history(model: str, trainings: list[Json]) -> History:
    ends = list(accumulate(len(training["epochs"]) for training in trainings))
    return History(model, [epoch for training in trainings for epoch in training["epochs"]], tuple(ends[:-1]))


def _losses(results: Results, history: History) -> Plot:
    epochs, numbers = history.epochs, history.numbers
    lines = [("training", "loss", MUTED), ("validation", "validation_loss", results.colour(history.model))]

    def draw(axes: Any) -> None:
        for label, key, colour in lines:
            values = [epoch[key] for epoch in epochs]
            if values[-1] is None:
                continue
            axes.plot(numbers, values, color=colour)
            axes.text(numbers[-1] * 1.02, values[-1], label, color=colour, fontsize=8, va="center")
        _epochs(axes, history)
        axes.set_ylabel("loss in nats")
        axes.grid(visible=True, axis="y")

    model = history.model
    alt = f"{model}: training loss from {epochs[0]['loss']:.2f} to {epochs[-1]['loss']:.2f} in {len(epochs)} epochs."
    return plot(f"training-loss-{model}", f"Training of {model}: loss", alt, draw)


def _accuracies(results: Results, history: History) -> Plot:
    model, epochs, numbers = history.model, history.epochs, history.numbers
    values = [100 * epoch["validation_accuracy"] for epoch in epochs]
    chosen = _chosen(results, history)
    reached = values[chosen - 1]

    def draw(axes: Any) -> None:
        colour = results.colour(model)
        axes.plot(numbers, values, color=colour)
        axes.plot(chosen, reached, "o", color=colour)
        told = f"kept: epoch {chosen}, {reached:.1f} %"
        axes.annotate(told, (chosen, reached), (0, 8), textcoords="offset points", fontsize=8, ha="right")
        in_percent(axes)
        mark_chance(axes)
        _epochs(axes, history)
        axes.set_ylabel("validation accuracy")

    alt = f"{model}: validation accuracy {reached:.1f} % at epoch {chosen}, which was kept."
    return plot(f"training-accuracy-{model}", f"Training of {model}: accuracy", alt, draw)


def _chosen(results: Results, history: History) -> int:
    """The number, in all of the history, of the epoch whose net the card is of; the last one if none is."""
    card = next(card for card in results.cards if card.id == history.model)
    losses = [epoch["loss"] for epoch in history.epochs]
    kept = card.about["chosen_epoch"]["loss"]
    return losses.index(kept) + 1 if kept in losses else len(losses)


def _epochs(axes: Any, history: History) -> None:
    last = history.numbers[-1]
    for end in history.grown_after:
        axes.axvline(end + 0.5, color=MUTED, linestyle=":", linewidth=1)
    axes.set(xlabel="epoch", xlim=(0, 1.3 * last))
    axes.tick_params(length=0)
    axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= last])
