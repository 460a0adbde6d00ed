"""Style of the report's plots: one font, one colour a set and an emotion, and ink that follows the page's theme."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from quantize.evaluation.bootstrap import Figure as Share
from quantize.report.parts import Plot

INK, MUTED, LINE, PAPER = "#0a0b0c", "#5a5b5c", "#d0d1d2", "#fefdfc"
"""Stand-ins: in the SVG the page's own colours take their place, so that one drawing suits a light and a dark page."""
_THEMED = {INK: "currentColor", MUTED: "var(--muted)", LINE: "var(--line)", PAPER: "var(--paper)"}
HEAT = "#3f7fd0"
SERIES = ("#3f7fd0", "#e2762b", "#2f9e6e", "#a05fc0", "#c9a000")
"""In the order of the model sets, of formats, of rules."""
CHANCE = 1 / 7
WIDTH_IN = 3.6
_RC = {
    "font.size": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "affectd",
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
}
_TITLE_IN = 0.3
"""What the title's line adds to the height."""
_DIGITS = re.compile(r"(\.\d{2})\d+")
Draw = Callable[[Any], None]


def plot(name: str, title: str, alt: str, draw: Draw, *, height_in: float = 2.8) -> Plot:
    """Draw one panel with its title inside: ``draw`` gets matplotlib's axes. Its ``name`` is unique in the report.

    The title says what the drawing is of, for it is also shown alone. ``height_in`` is of what is below it.
    """
    with mpl.rc_context(_RC):
        figure = Figure(figsize=(WIDTH_IN, height_in + _TITLE_IN), layout="constrained")
        figure.suptitle(title, x=0.01, ha="left", fontsize=9, fontweight="bold", color=INK)
        draw(figure.add_subplot())
        FigureCanvasSVG(figure)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return Plot(name, title, alt, _themed(file.getvalue(), name))


def _themed(text: str, name: str) -> str:
    svg = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    for stand_in, colour in _THEMED.items():
        svg = svg.replace(stand_in, colour)
    svg = re.sub(r"font: (?:([a-z0-9]+) )?([\d.]+)px [^;\"]*", _font, svg)
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    # A hundredth of a point is finer than any screen; what is text stays as it is.
    return re.sub(r'\b(?:d|x|y|transform)="[^"]*"', lambda found: _DIGITS.sub(r"\1", found[0]), svg).strip()


def _font(found: re.Match[str]) -> str:
    """A size and, where it is not the usual one, a weight: the face is the page's own."""
    weight, size_px = found.groups()
    return f"font-size: {size_px}px" + (f"; font-weight: {weight}" if weight else "")


def in_percent(axes: Any, which: str = "y", *, low: float = 0, high: float = 100) -> None:
    """An axis of per cents with a light grid."""
    axis = axes.yaxis if which == "y" else axes.xaxis
    (axes.set_ylim if which == "y" else axes.set_xlim)(low, high)
    axis.grid(visible=True)
    axis.set_major_formatter(mpl.ticker.PercentFormatter(decimals=0))
    axes.tick_params(length=0)


def mark_chance(axes: Any) -> None:
    """A dotted line where guessing would be."""
    axes.axhline(100 * CHANCE, color=MUTED, linestyle=":", linewidth=1)


def whiskers(axes: Any, x: float, figure: Share, colour: str, *, above: float = 0.0) -> None:
    """A share as a point with its interval as a thin bar, all of them ``above`` higher."""
    ends = (figure.value if end is None else end for end in (figure.low, figure.value, figure.high))
    low, value, high = (100 * (above + end) for end in ends)
    axes.plot((x, x), (low, high), color=colour, linewidth=1.2, alpha=0.75)
    axes.plot(x, value, "o", color=colour, markersize=5, markeredgecolor=PAPER, markeredgewidth=0.8)
