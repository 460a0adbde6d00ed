"""Fairness: whether men and women are read alike."""

from __future__ import annotations

from typing import Any

from quantize.report.drawing import INK, in_percent, mark_chance, plot, whiskers
from quantize.report.parts import Plot, Plots
from quantize.report.results import Results
from quantize.report.wording import interval
from quantize.studies.fairness import Fairness


def drawings(results: Results) -> list[Plots]:
    """Figures by sex and by actor, a panel a model."""
    panels = [_actors(results, found) for found in results.of(Fairness)]
    return [Plots("Each dot an actor; the bar is the sex's mean with its 95 % interval.", panels)] if panels else []


def _actors(results: Results, found: Fairness) -> Plot:
    model = found.model

    def draw(axes: Any) -> None:
        for x, own in enumerate(found.by_sex):
            values = [100 * a.accuracy for a in found.actors if a.sex == own.sex]
            spread = [
                x + 0.1 * (number - (len(values) - 1) / 2) / max(1, len(values) / 4) for number in range(len(values))
            ]
            axes.plot(spread, values, "o", color=results.colour(model), markersize=4, alpha=0.5)
            whiskers(axes, x + 0.3, own.accuracy, results.colour(model))
            mean = 100 * own.accuracy.value
            axes.text(x + 0.36, mean, f"{mean:.1f} %", fontsize=8, va="center")
        labels = [f"{own.sex}\n{own.actors} actors" for own in found.by_sex]
        axes.set_xticks(range(len(labels)), labels, color=INK)
        axes.set_xlim(-0.5, len(labels) - 0.3)
        in_percent(axes)
        mark_chance(axes)
        axes.set_ylabel("accuracy")

    said = "; ".join(f"{own.sex} {interval(own.accuracy)} %" for own in found.by_sex)
    return plot(f"fairness-{model}", f"{model} by sex of the actor", f"{model} by sex of the actor: {said}.", draw)
