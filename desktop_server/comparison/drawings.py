"""The comparison's plots, in the style of the models' report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from desktop_server.comparison.corpus import CorpusComparison
from desktop_server.comparison.recording import MediaComparison
from device.readings import EMOTIONS
from quantize.report.drawing import INK, MUTED, SERIES, in_percent, plot
from quantize.report.parts import Plot
from quantize.report.wording import percent

INT8, FLOAT32 = SERIES[1], SERIES[0]
_GAP_S = 1.5
"""Nobody speaks or is seen for so long: the line breaks."""


def recalls(own: CorpusComparison) -> Plot:
    """Each class's recall, both precisions on one line."""
    names = list(own.int8.classes)
    pairs = [(100 * own.int8.classes[name].recall, 100 * own.float32.classes[name].recall) for name in names]

    def draw(axes: Any) -> None:
        for y, (int8, full) in enumerate(pairs):
            axes.plot((int8, full), (y, y), color=MUTED, linewidth=1)
            axes.plot(full, y, "o", color=FLOAT32, markersize=8, alpha=0.45)
            axes.plot(int8, y, "o", color=INT8, markersize=4)
        _legend(axes)
        axes.set_yticks(range(len(names)), names, color=INK)
        axes.set_ylim(len(names) - 0.5, -0.5)
        in_percent(axes, "x")
        axes.set_xlabel("recall")

    told = ", ".join(f"{name} {int8:.1f} and {full:.1f} %" for name, (int8, full) in zip(names, pairs, strict=True))
    return plot("recalls", "Recall by class", f"Recall of int8 and float32: {told}.", draw)


def differences(quantiles: Mapping[str, Sequence[float]]) -> Plot:
    """The samples in order of the largest difference of a probability."""

    def draw(axes: Any) -> None:
        for number, (name, values) in enumerate(quantiles.items()):
            axes.plot(range(len(values)), values, color=SERIES[number], label=name)
        in_percent(axes, "x")
        axes.set_ylim(bottom=0)
        axes.grid(visible=True, axis="y")
        axes.set(xlabel="samples", ylabel="difference of a probability")
        if len(quantiles) > 1:
            axes.legend(frameon=False, fontsize=8, labelcolor=INK)

    told = "; ".join(
        f"{name}: half below {values[50]:.3f}, all below {values[-1]:.3f}" for name, values in quantiles.items()
    )
    return plot("differences", "How far probabilities are moved", f"Largest differences: {told}.", draw)


def timeline(own: MediaComparison) -> Plot:
    """A row an emotion; both precisions' fused probabilities along the recordings."""
    stretches = _stretches(own)

    def draw(axes: Any) -> None:
        for row in range(len(EMOTIONS)):
            base = len(EMOTIONS) - 1 - row
            axes.axhline(base, color=MUTED, linewidth=0.4)
            for times, int8, full in stretches:
                axes.plot(times, [base + 0.85 * p[row] for p in full], color=FLOAT32, linewidth=3.2, alpha=0.4)
                axes.plot(times, [base + 0.85 * p[row] for p in int8], color=INT8, linewidth=1)
        axes.set_yticks([len(EMOTIONS) - 0.7 - row for row in range(len(EMOTIONS))], EMOTIONS, color=INK)
        axes.set(ylim=(-0.05, len(EMOTIONS)), xlabel="seconds")
        axes.tick_params(length=0)
        _legend(axes)

    alt = f"Fused probabilities of both over time; the same label at {percent(own.same_label)} % of moments."
    return plot("timeline", "Fused probabilities, 0 to 1 in each row", alt, draw, height_in=3.8)


def _stretches(own: MediaComparison) -> list[tuple[list[float], list[Any], list[Any]]]:
    """The moments at which somebody was there, cut where nobody was."""
    known = [(m.at_s, m.int8, m.float32) for m in own.timeline if m.int8 is not None and m.float32 is not None]
    cuts = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(known)) if b[0] - a[0] > _GAP_S), len(known)]
    parts = [known[start:end] for start, end in pairwise(cuts) if end > start]
    return [([m[0] for m in part], [m[1] for m in part], [m[2] for m in part]) for part in parts]


def _legend(axes: Any) -> None:
    for x, name, colour in ((0.0, "int8", INT8), (0.2, "float32", FLOAT32)):
        axes.text(x, 1.03, f"● {name}", color=colour, fontsize=8, transform=axes.transAxes)
