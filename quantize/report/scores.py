"""How often the files are right, class by class, and whether they know it: tables, heat maps, reliability."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from device.readings import EMOTIONS
from quantize.made_of import Json
from quantize.reliability import ReliabilityBin, error_by_chance
from quantize.report.drawing import HEAT, INK, LINE, MUTED, in_percent, mark_chance, plot, whiskers
from quantize.report.parts import Content, Plot, Plots, Table
from quantize.report.results import Results
from quantize.report.wording import interval, percent

SHORT = {"surprise": "surpr."}
PARTS = {"test": "all", "clean": "clean", "told": "told the classes"}
_BRIGHTEST = 0.8
_ROW_IN = 0.26


def table(results: Results) -> Content:
    """Every file on every corpus, and the same as a drawing."""
    columns = [
        "file",
        "corpus, part",
        "samples",
        "accuracy %",
        "UAR %",
        "macro F1 %",
        "calibration error",
        "no reading",
    ]
    rows = [_row(report, part) for _, report in results.of("scores") for part in _parts(report)]
    caption = "accuracy % and UAR % with 95 % intervals in brackets"
    drawn = "Accuracy (bars: 95 %; dotted: guessing among the classes that can be answered)"
    panels = [_overview(results, card.id) for card in results.cards if _lines(results, card.id)]
    return Content(shown=[Plots(drawn, panels), Table(caption, columns, rows)] if rows else [])


def _parts(report: Json) -> Iterator[str]:
    yield "test"
    if report["clean"]["samples"] != report["test"]["samples"]:
        yield "clean"
    if report["told"]:
        yield "told"


def _row(report: Json, part: str) -> list[str]:
    own = report[part]
    return [
        f"{report['model']} ({report['sha256'][:8]})",
        f"{report['dataset']}, {PARTS[part]}",
        f"{own['samples']:,}",
        interval(own["accuracy"]),
        interval(own["uar"]),
        percent(own["macro_f1"]),
        f"{own['calibration_error']:.3f}",
        f"{report['without_reading']:,}",
    ]


def _lines(results: Results, model: str) -> list[tuple[Json, str]]:
    """The reports of a model and of its sisters that met fewer voices, each with its parts."""
    reports = [report for _, report in results.of("scores") if report["model"].startswith(model)]
    return [(report, part) for report in reports for part in _parts(report)]


def _overview(results: Results, model: str) -> Plot:
    lines = _lines(results, model)

    def draw(axes: Any) -> None:
        for y, (report, part) in enumerate(reversed(lines)):
            own = report[part]
            ends = (100 * own["accuracy"]["low"], 100 * own["accuracy"]["high"])
            whiskers(axes, 100 * own["accuracy"]["value"], y, ends, results.colour(report["model"]), flat=True)
            axes.text(101, y, percent(own["accuracy"]["value"]), fontsize=8, va="center")
            guess = 100 / (len(own["classes"]) if part == "told" else len(EMOTIONS))
            axes.plot((guess, guess), (y - 0.4, y + 0.4), color=MUTED, linestyle=":", linewidth=1)
        axes.set_yticks(range(len(lines)), [_line_name(*line) for line in reversed(lines)], color=INK)
        axes.set_ylim(-0.6, len(lines) - 0.4)
        in_percent(axes, "x")

    told = "; ".join(f"{_line_name(r, p)} {percent(r[p]['accuracy']['value'])} %" for r, p in lines)
    height = 0.5 + _ROW_IN * len(lines)
    return plot(f"scores-{model}", f"Accuracy of {model}", f"Accuracy of {model}: {told}.", draw, height_in=height)


def _line_name(report: Json, part: str) -> str:
    sister = report["model"].partition("-without-")[1] and "sister on "
    return f"{sister}{report['dataset']}{'' if part == 'test' else f', {PARTS[part]}'}"


def confusions(results: Results) -> Content:
    """A heat map for each file and corpus."""
    panels = [_confusion(report) for _, report in results.of("scores")]
    caption = "Rows: what it is; columns: what the net says; per cent of the row, with the number of samples at right."
    return Content(shown=[Plots(caption, panels)] if panels else [])


def _confusion(report: Json) -> Plot:
    name = f"{report['model']} · {report['dataset']}"
    rows = [(e, row) for e, row in zip(EMOTIONS, report["test"]["confusion"], strict=True) if sum(row)]

    def draw(axes: Any) -> None:
        for y, (_, row) in enumerate(rows):
            total = sum(row)
            for x, count in enumerate(row):
                axes.add_artist(_cell(x, y, count / total))
                told = axes.text(x, y, f"{100 * count / total:.0f}", ha="center", va="center", fontsize=8)
                told.set_in_layout(False)
            axes.text(6.65, y, f"{total:,}", ha="left", va="center", fontsize=7, color=MUTED)
        axes.set(xlim=(-0.5, 7.3), ylim=(len(rows) - 0.5, -0.5), aspect="equal")
        axes.set_xticks(range(len(EMOTIONS)), map(_short, EMOTIONS), rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(rows)), [_short(emotion) for emotion, _ in rows])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)

    recalls = ", ".join(f"{e} {percent(c['recall'], 0)} %" for e, c in report["test"]["classes"].items())
    alt = f"Confusion matrix of {name}, {report['test']['samples']:,} samples. Right by class: {recalls}."
    return plot(
        f"confusion-{report['model']}-{report['dataset']}",
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


def reliability(results: Results) -> Content:
    """Confidence against accuracy, for each file and corpus."""
    panels = [_reliability(results, report) for _, report in results.of("scores")]
    caption = (
        "Of the answers with this confidence so many are right; the diagonal would be honest, below it a net is too "
        "sure of itself. A dot's area tells how many answers there are."
    )
    return Content(shown=[Plots(caption, panels)] if panels else [])


def _reliability(results: Results, report: Json) -> Plot:
    own, name = report["test"], f"{report['model']} · {report['dataset']}"
    bins, colour = own["reliability"], results.colour(report["model"])
    chance = error_by_chance([ReliabilityBin(**b) for b in bins])

    def draw(axes: Any) -> None:
        axes.plot((0, 100), (0, 100), color=LINE, linewidth=1)
        x, y = ([100 * b[key] for b in bins] for key in ("confidence", "accuracy"))
        axes.plot(x, y, color=colour, alpha=0.5, linewidth=1.2)
        sizes = [10 + 300 * b["samples"] / own["samples"] for b in bins]
        axes.scatter(x, y, s=sizes, color=colour, linewidths=0)
        axes.text(4, 92, f"calibration error {own['calibration_error']:.3f}", fontsize=8)
        axes.text(4, 84, f"by chance {chance:.3f}", fontsize=8, color=MUTED)
        axes.text(4, 76, f"temperature {report['served']['temperature']:.2f}", fontsize=8, color=MUTED)
        in_percent(axes, "x")
        in_percent(axes, low=0, high=102)
        mark_chance(axes)
        axes.set(xlabel="confidence", ylabel="right")

    alt = (
        f"Reliability of {name}: calibration error {own['calibration_error']:.3f} over {own['samples']:,} samples; "
        f"a net that is right as often as it says would show {chance:.3f} by chance."
    )
    return plot(f"reliability-{report['model']}-{report['dataset']}", f"Reliability: {name}", alt, draw)
