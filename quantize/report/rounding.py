"""What 8 bits cost: each form against float32, and the layers that lose."""

from __future__ import annotations

from typing import Any

from device.readings import EMOTIONS
from quantize.made_of import Json
from quantize.report.drawing import INK, MUTED, SERIES, in_percent, plot
from quantize.report.parts import Content, Plot, Plots, Table
from quantize.report.results import Results
from quantize.report.wording import NONE, chance, interval, kilobytes, percent

_SHOWN_LAYERS = 12


def formats(results: Results) -> Content:
    """The forms of each net, and where their labels are float32's, class by class."""
    shown: list[Table | Plots] = []
    panels: list[Plot] = []
    for _, found in results.of("formats"):
        samples = found["forms"][0]["test"]["samples"]
        caption = f"{found['model']} on {found['dataset']}, {samples:,} samples; {found['protocol']}"
        columns = ["form", "kB", "accuracy %", "UAR %", "same label %", "newly wrong / right", "McNemar p"]
        shown.append(Table(caption, columns, [_form_row(form) for form in found["forms"]]))
        panels.append(_agreement(found))
    caption = "Share of each class's samples to which a form gives the same label as float32 does."
    return Content(shown=[*shown, Plots(caption, panels)] if panels else [])


def _form_row(form: Json) -> list[str]:
    own, off = form["test"], form["against_float32"]
    scored = [form["format"], kilobytes(form["bytes"]), interval(own["accuracy"]), interval(own["uar"])]
    if off is None:
        return [*scored, NONE, NONE, NONE]
    turned = f"{off['newly_wrong']} / {off['newly_right']}"
    return [*scored, percent(off["agreement"]), turned, chance(off["mcnemar_p"])]


def _agreement(found: Json) -> Plot:
    forms = [form for form in found["forms"] if form["against_float32"]]
    by_class = {form["format"]: form["against_float32"]["agreement_by_class"] for form in forms}
    lowest = min(value for own in by_class.values() for value in own.values())

    def draw(axes: Any) -> None:
        for number, (name, own) in enumerate(by_class.items()):
            colour, y = SERIES[-1 - number], [EMOTIONS.index(emotion) + 0.22 * (number - 1) for emotion in own]
            axes.plot([100 * value for value in own.values()], y, "o", color=colour, markersize=5)
            axes.text(0.02 + 0.36 * number, 1.04, f"● {name}", color=colour, fontsize=8, transform=axes.transAxes)
        axes.set_yticks(range(len(EMOTIONS)), EMOTIONS, color=INK)
        axes.set_ylim(len(EMOTIONS) - 0.5, -0.5)
        in_percent(axes, "x", low=100 * lowest - 2, high=100.5)
        axes.set_xlabel("same label as float32")

    int8 = by_class.get("int8", {})
    told = ", ".join(f"{emotion} {percent(value)} %" for emotion, value in int8.items())
    alt = f"{found['model']}: int8 gives float32's label to: {told}."
    return plot(f"agreement-{found['model']}", f"{found['model']}: same label in int8", alt, draw)


def layers(results: Results) -> Content:
    """The layers that hurt most, and the finding of each net."""
    reports = [found for _, found in results.of("layers")]
    caption = (
        "Mean divergence from the float net with only this layer in int8 (● alone), and with all but it (○ spared)."
    )
    return Content(
        sentences=[f"{found['model']}, {found['samples']} samples: {found['finding']}" for found in reports],
        shown=[Plots(caption, [_layers(results, found) for found in reports])] if reports else [],
    )


def _layers(results: Results, found: Json) -> Plot:
    own = found["layers"][:_SHOWN_LAYERS]
    whole = 1000 * found["whole"]["divergence_nats"]

    def draw(axes: Any) -> None:
        colour = results.colour(found["model"])
        for y, layer in enumerate(own):
            alone, spared = (1000 * layer[how]["divergence_nats"] for how in ("alone", "spared"))
            axes.plot((0, alone), (y, y), color=colour, linewidth=1, alpha=0.5)
            axes.plot(alone, y, "o", color=colour, markersize=5)
            axes.plot(spared, y, "o", color=MUTED, markersize=5, markerfacecolor="none")
        axes.axvline(whole, color=MUTED, linestyle=":", linewidth=1)
        axes.text(whole, -0.9, "whole net", fontsize=7, color=MUTED, ha="right")
        axes.set_yticks(range(len(own)), [layer["layer"] for layer in own], color=INK)
        axes.set(ylim=(len(own) - 0.4, -1.2), xlabel="thousandths of a nat")
        axes.set_xlim(left=0)
        axes.grid(visible=True, axis="x")
        axes.tick_params(length=0)

    height = 0.9 + 0.22 * len(own)
    return plot(
        f"layers-{found['model']}", f"{found['model']}: int8 layer by layer", found["finding"], draw, height_in=height
    )
