"""Confusion matrices and reliability diagrams of every file on every corpus."""

from __future__ import annotations

from typing import Any

from device.readings import EMOTIONS
from quantize.evaluation.evaluate import Report
from quantize.evaluation.reliability import error_by_chance
from quantize.report.drawing import HEAT, LINE, MUTED, in_percent, mark_chance, plot
from quantize.report.parts import Plot, Plots
from quantize.report.results import Results
from quantize.report.wording import percent

SHORT = {"surprise": "surpr."}
_BRIGHTEST = 0.8


def confusions(results: Results) -> list[Plots]:
    """A heat map for each file and corpus."""
    panels = [_confusion(report) for report in results.of(Report)]
    caption = "Rows: what it is; columns: what the net says; per cent of the row, with the number of samples at right."
    return [Plots(caption, panels)] if panels else []


def _confusion(report: Report) -> Plot:
    name = f"{report.model} · {report.dataset}"
    rows = [(e, row) for e, row in zip(EMOTIONS, report.test.confusion, strict=True) if sum(row)]

    def draw(axes: Any) -> None:
        for y, (_, row) in enumerate(rows):
            total = sum(row)
            for x, count in enumerate(row):
                axes.add_artist(_cell(x, y, count / total))
                text = axes.text(x, y, f"{100 * count / total:.0f}", ha="center", va="center", fontsize=8)
                text.set_in_layout(False)
            axes.text(6.65, y, f"{total:,}", ha="left", va="center", fontsize=7, color=MUTED)
        axes.set(xlim=(-0.5, 7.3), ylim=(len(rows) - 0.5, -0.5), aspect="equal")
        axes.set_xticks(range(len(EMOTIONS)), map(_short, EMOTIONS), rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(rows)), [_short(emotion) for emotion, _ in rows])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)

    recalls = ", ".join(f"{e} {percent(c.recall, 0)} %" for e, c in report.test.classes.items())
    alt = f"Confusion matrix of {name}, {report.test.samples:,} samples. Right by class: {recalls}."
    return plot(
        f"confusion-{report.model}-{report.dataset}",
        f"Confusion: {name}",
        alt,
        draw,
        height_in=0.8 + 0.36 * len(rows),
    )


def _short(emotion: str) -> str:
    return SHORT.get(emotion, emotion)


def _cell(x: int, y: int, share: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(
        (x - 0.47, y - 0.47), 0.94, 0.94, facecolor=HEAT, alpha=0.04 + _BRIGHTEST * share, linewidth=0, in_layout=False
    )


def reliabilities(results: Results) -> list[Plots]:
    """Confidence against accuracy, for each file and corpus."""
    panels = [_reliability(results, report) for report in results.of(Report)]
    caption = (
        "Of the answers with this confidence so many are right; the diagonal would be honest, below it a net is too "
        "sure of itself. A dot's area tells how many answers there are."
    )
    return [Plots(caption, panels)] if panels else []


def _reliability(results: Results, report: Report) -> Plot:
    own, name = report.test, f"{report.model} · {report.dataset}"
    bins, colour = own.reliability, results.colour(report.model)
    chance = error_by_chance(bins)

    def draw(axes: Any) -> None:
        axes.plot((0, 100), (0, 100), color=LINE, linewidth=1)
        x, y = [100 * b.confidence for b in bins], [100 * b.accuracy for b in bins]
        axes.plot(x, y, color=colour, alpha=0.5, linewidth=1.2)
        sizes = [10 + 300 * b.samples / own.samples for b in bins]
        axes.scatter(x, y, s=sizes, color=colour, linewidths=0)
        axes.text(4, 92, f"calibration error {own.calibration_error:.3f}", fontsize=8)
        axes.text(4, 84, f"by chance {chance:.3f}", fontsize=8, color=MUTED)
        axes.text(4, 76, f"temperature {report.served.temperature:.2f}", fontsize=8, color=MUTED)
        in_percent(axes, "x")
        in_percent(axes, low=0, high=102)
        mark_chance(axes)
        axes.set(xlabel="confidence", ylabel="right")

    alt = (
        f"Reliability of {name}: calibration error {own.calibration_error:.3f} over {own.samples:,} samples; "
        f"a net that is right as often as it says would show {chance:.3f} by chance."
    )
    return plot(f"reliability-{report.model}-{report.dataset}", f"Reliability: {name}", alt, draw)
