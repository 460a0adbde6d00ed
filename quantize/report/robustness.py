"""Robustness: worse pictures and sounds."""

from __future__ import annotations

from typing import Any

from quantize.report.drawing import INK, in_percent, mark_chance, plot, whiskers
from quantize.report.parts import Plot, Plots
from quantize.report.results import Results
from quantize.report.wording import percent
from quantize.studies.robustness import Condition, Robustness

ALONE = "others"
"""The panel of the conditions that come in one strength only."""


def drawings(results: Results) -> list[Plots]:
    """For each kind of model a panel a family of conditions."""
    studies, drawn = results.of(Robustness), []
    for kind in sorted({found.kind for found in studies}):
        lines = [found for found in studies if found.kind == kind]
        families = dict.fromkeys(_panel_of(c, lines[0]) for c in lines[0].conditions)
        panels = [_family(results, family, lines) for family in sorted(families, key=ALONE.__eq__)]
        caption = f"{kind}: right of all samples; one without a reading is not right. Bars: 95 % of the paired drop."
        drawn.append(Plots(f"{caption} Dotted: guessing.", panels))
    return drawn


def _panel_of(condition: Condition, found: Robustness) -> str:
    levels = [c for c in found.conditions if c.family == condition.family]
    return condition.family if len(levels) > 1 else ALONE


def _family(results: Results, family: str, lines: list[Robustness]) -> Plot:
    own = [(found.model, [c for c in found.conditions if _panel_of(c, found) == family]) for found in lines]
    unit = "" if family == ALONE else own[0][1][0].unit
    ticks = ["clean", *(_tick(condition, family) for condition in own[0][1])]

    def draw(axes: Any) -> None:
        for number, (model, conditions) in enumerate(own):
            colour, shift = results.colour(model), 0.08 * number
            clean = conditions[0].against_clean.first_accuracy
            values = [100 * share for share in (clean, *(c.against_clean.second_accuracy for c in conditions))]
            if family != ALONE:
                axes.plot([x + shift for x in range(len(values))], values, color=colour, alpha=0.5)
            axes.plot(shift, values[0], "o", color=colour, markersize=5)
            for x, condition in enumerate(conditions, 1):
                whiskers(axes, x + shift, condition.against_clean.accuracy_difference, colour, above=clean)
            axes.text(0.02 + 0.5 * number, 1.02, model, color=colour, fontsize=8, transform=axes.transAxes)
        axes.set_xticks(range(len(ticks)), ticks, color=INK)
        axes.set_xlim(-0.3, len(ticks) - 0.6)
        axes.set_xlabel(unit or " ")
        in_percent(axes, low=0, high=80)
        mark_chance(axes)

    said = "; ".join(f"{model}: {_accuracies(conditions)}" for model, conditions in own)
    name = f"robustness-{lines[0].kind}-{family.replace(' ', '-')}"
    title = f"Accuracy of {lines[0].kind} nets: {family}"
    return plot(name, title, f"Accuracy under {family}. {said}.", draw, height_in=2.5)


def _tick(condition: Condition, family: str) -> str:
    if family != ALONE:
        return f"{condition.level:g}".replace("-", "−")
    return str(condition.name).replace(" ", "\n", 1)


def _accuracies(conditions: list[Condition]) -> str:
    clean = percent(conditions[0].against_clean.first_accuracy)
    return f"clean {clean} %, " + ", ".join(
        f"{c.name} {percent(c.against_clean.second_accuracy)} %" for c in conditions
    )
