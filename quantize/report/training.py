"""How the nets learned, epoch by epoch."""

from __future__ import annotations

from typing import Any

from quantize.measured import Json
from quantize.report.drawing import MUTED, in_percent, mark_chance, plot
from quantize.report.parts import Content, Plot, Plots
from quantize.report.results import Results


def content(results: Results) -> Content:
    """Losses of all nets, and the validation accuracies of those that have a validation part."""
    panels: list[Plot] = []
    for study, found in results.of("training"):
        panels.append(_losses(results, study.about, found["epochs"]))
        if found["epochs"][-1]["validation_accuracy"] is not None:
            panels.append(_accuracies(results, study.about, found["epochs"]))
    caption = "The training loss has what a recipe adds to it (label smoothing, weight decay); only its fall tells."
    return Content(shown=[Plots(caption, panels)] if panels else [])


def _losses(results: Results, model: str, epochs: list[Json]) -> Plot:
    numbers = [epoch["number"] for epoch in epochs]
    lines = [("training", "loss", MUTED), ("validation", "validation_loss", results.colour(model))]

    def draw(axes: Any) -> None:
        for label, key, colour in lines:
            values = [epoch[key] for epoch in epochs]
            if values[-1] is None:
                continue
            axes.plot(numbers, values, color=colour)
            axes.text(numbers[-1] * 1.02, values[-1], label, color=colour, fontsize=8, va="center")
        _epochs(axes, numbers[-1])
        axes.set_ylabel("loss in nats")
        axes.grid(visible=True, axis="y")

    alt = f"{model}: training loss from {epochs[0]['loss']:.2f} to {epochs[-1]['loss']:.2f} in {len(epochs)} epochs."
    return plot(f"training-loss-{model}", f"{model}: loss", alt, draw)


def _accuracies(results: Results, model: str, epochs: list[Json]) -> Plot:
    numbers = [epoch["number"] for epoch in epochs]
    values = [100 * epoch["validation_accuracy"] for epoch in epochs]
    chosen = next((e for e in epochs if e["loss"] == _chosen_loss(results, model)), epochs[-1])
    reached = 100 * chosen["validation_accuracy"]

    def draw(axes: Any) -> None:
        colour = results.colour(model)
        axes.plot(numbers, values, color=colour)
        axes.plot(chosen["number"], reached, "o", color=colour)
        told = f"kept: epoch {chosen['number']}, {reached:.1f} %"
        axes.annotate(told, (chosen["number"], reached), (0, 8), textcoords="offset points", fontsize=8, ha="right")
        in_percent(axes)
        mark_chance(axes)
        _epochs(axes, numbers[-1])
        axes.set_ylabel("validation accuracy")

    alt = f"{model}: validation accuracy {reached:.1f} % at epoch {chosen['number']}, which was kept."
    return plot(f"training-accuracy-{model}", f"{model}: accuracy", alt, draw)


def _chosen_loss(results: Results, model: str) -> float:
    card = next(card for card in results.cards if card.id == model)
    return float(card.about["chosen_epoch"]["loss"])


def _epochs(axes: Any, last: int) -> None:
    axes.set(xlabel="epoch", xlim=(0, 1.3 * last))
    axes.tick_params(length=0)
    axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= last])
