"""What published figures are made of: one net under three ways to split."""

from __future__ import annotations

from typing import Any

from quantize.made_of import Json
from quantize.report.drawing import INK, in_percent, mark_chance, plot, whiskers
from quantize.report.parts import Content, Plot, Plots, Table
from quantize.report.results import Results
from quantize.report.wording import interval


def content(results: Results) -> Content:
    """The table and its drawing."""
    shown: list[Table | Plots] = []
    for study, found in results.of("protocol"):
        columns = ["split", "accuracy %", "UAR %", "test clips", "actors on both sides", "recordings on both sides"]
        caption = f"{study.about}, trained three times ({found['epochs']} epochs, seed {found['seed']}): {found['net']}"
        shown.append(
            Plots("The same net, the same recordings. Bars: 95 %; dotted: guessing.", [_drawn(results, found)])
        )
        shown.append(Table(caption, columns, [_row(row) for row in found["rows"]]))
        shown.append(
            Table("What the splits are", ["split", "how"], [[r["protocol"], r["meaning"]] for r in found["rows"]])
        )
    return Content(shown=shown)


def _row(row: Json) -> list[str]:
    own = row["scores"]
    counts = (own["samples"], row["actors_shared"], row["clips_shared"])
    return [row["protocol"], interval(own["accuracy"]), interval(own["uar"]), *(f"{count:,}" for count in counts)]


def _drawn(results: Results, found: Json) -> Plot:
    rows = found["rows"]

    def draw(axes: Any) -> None:
        for y, row in enumerate(reversed(rows)):
            own = row["scores"]["accuracy"]
            ends = (100 * own["low"], 100 * own["high"])
            whiskers(axes, 100 * own["value"], y, ends, results.colour(results.sets[-1].speech.id), flat=True)
            axes.text(100 * own["value"], y + 0.16, f"{100 * own['value']:.1f} %", fontsize=8, ha="center", va="bottom")
        axes.set_yticks(range(len(rows)), [row["protocol"] for row in reversed(rows)], color=INK)
        axes.set_ylim(-0.6, len(rows) - 0.3)
        in_percent(axes, "x", high=105)
        mark_chance(axes, which="x")

    told = "; ".join(f"{row['protocol']} {interval(row['scores']['accuracy'])} %" for row in rows)
    return plot("protocol", "Accuracy by split", f"Accuracy by split: {told}.", draw, height_in=1.9)
