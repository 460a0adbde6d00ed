"""Worse pictures and sounds, and whether men and women are read alike."""

from __future__ import annotations

from typing import Any

from quantize.made_of import Json
from quantize.report.drawing import INK, in_percent, mark_chance, plot, whiskers
from quantize.report.parts import Content, Plot, Plots, Table
from quantize.report.results import Results
from quantize.report.wording import NONE, chance, change, interval, percent

ALONE = "others"
"""The panel of the conditions that come in one strength only."""
Line = tuple[str, Json]
"""A model and its study."""


def robustness(results: Results) -> Content:
    """For each kind of model a table a file and a panel a family of conditions."""
    studies = [(study.about, found) for study, found in results.of("robustness")]
    shown: list[Table | Plots] = []
    for kind in dict.fromkeys(found["kind"] for _, found in studies):
        lines = [(model, found) for model, found in studies if found["kind"] == kind]
        families = dict.fromkeys(_panel_of(c, lines[0][1]) for c in lines[0][1]["conditions"])
        panels = [_family(results, family, lines) for family in sorted(families, key=ALONE.__eq__)]
        caption = f"{kind}: right of all samples; one without a reading is not right. Bars: 95 % of the paired drop."
        shown.append(Plots(f"{caption} Dotted: guessing.", panels))
        shown += [_table(found) for _, found in lines]
    return Content(sentences=_protocols(studies), shown=shown)


def _protocols(studies: list[Line]) -> list[str]:
    """Each study's protocol once, as a sentence."""
    told = dict.fromkeys(found["protocol"] for _, found in studies)
    return [f"Protocol: {protocol}." for protocol in told]


def _panel_of(condition: Json, found: Json) -> str:
    levels = [c for c in found["conditions"] if c["family"] == condition["family"]]
    return condition["family"] if len(levels) > 1 else ALONE


def _family(results: Results, family: str, lines: list[Line]) -> Plot:
    own = [(model, [c for c in found["conditions"] if _panel_of(c, found) == family]) for model, found in lines]
    unit = "" if family == ALONE else own[0][1][0]["unit"]
    ticks = ["clean", *(_tick(condition, family) for condition in own[0][1])]

    def draw(axes: Any) -> None:
        for number, (model, conditions) in enumerate(own):
            colour, shift = results.colour(model), 0.08 * number
            clean = 100 * conditions[0]["against_clean"]["first_accuracy"]
            values = [clean, *(100 * c["against_clean"]["second_accuracy"] for c in conditions)]
            if family != ALONE:
                axes.plot([x + shift for x in range(len(values))], values, color=colour, alpha=0.5)
            axes.plot(shift, clean, "o", color=colour, markersize=5)
            for x, condition in enumerate(conditions, 1):
                whiskers(axes, x + shift, values[x], _ends(condition, clean), colour)
            axes.text(0.02 + 0.5 * number, 1.02, model, color=colour, fontsize=8, transform=axes.transAxes)
        axes.set_xticks(range(len(ticks)), ticks, color=INK)
        axes.set_xlim(-0.3, len(ticks) - 0.6)
        axes.set_xlabel(unit or " ")
        in_percent(axes, low=0, high=80)
        mark_chance(axes)

    told = "; ".join(f"{model}: {_told(conditions)}" for model, conditions in own)
    name = f"robustness-{lines[0][1]['kind']}-{family.replace(' ', '-')}"
    title = f"Accuracy of {lines[0][1]['kind']} nets: {family}"
    return plot(name, title, f"Accuracy under {family}. {told}.", draw, height_in=2.5)


def _tick(condition: Json, family: str) -> str:
    if family != ALONE:
        return f"{condition['level']:g}".replace("-", "−")
    return str(condition["name"]).replace(" ", "\n", 1)


def _ends(condition: Json, clean: float) -> tuple[float, float]:
    drop = condition["against_clean"]["accuracy_difference"]
    low, high = (drop["value"] if drop[end] is None else drop[end] for end in ("low", "high"))
    return clean + 100 * low, clean + 100 * high


def _told(conditions: list[Json]) -> str:
    clean = percent(conditions[0]["against_clean"]["first_accuracy"])
    return f"clean {clean} %, " + ", ".join(
        f"{c['name']} {percent(c['against_clean']['second_accuracy'])} %" for c in conditions
    )


def _table(found: Json) -> Table:
    parts = ", ".join(f"{part['model']} ({part['sha256'][:8]}) on {part['dataset']}" for part in found["parts"])
    caption = f"{parts}: {found['samples']:,} samples of {found['groups']:,} {_drawn(found)}"
    columns = ["condition", "no reading %", "accuracy of those read %", "change, points", "t p", "Wilcoxon p"]
    rows = [_condition_row(condition) for condition in found["conditions"]]
    clean = found["clean"]["scores"]["accuracy"]
    first = ["clean", percent(found["clean"]["share_without_reading"]), interval(clean), NONE, NONE, NONE]
    return Table(caption, columns, [first, *rows])


def _drawn(found: Json) -> str:
    return "pictures" if found["kind"] == "face" else "actors"


def _condition_row(condition: Json) -> list[str]:
    degraded, paired = condition["degraded"], condition["against_clean"]
    return [
        condition["name"],
        percent(degraded["share_without_reading"]),
        interval(degraded["scores"]["accuracy"]) if degraded["scores"] else NONE,
        change(paired["accuracy_difference"]),
        chance(paired["t_p"]),
        chance(paired["wilcoxon_p"]),
    ]


def fairness(results: Results) -> Content:
    """Figures by sex and by actor."""
    studies = [(study.about, found) for study, found in results.of("fairness")]
    panels = [_actors(results, model, found) for model, found in studies]
    shown = [Plots("Each dot an actor; the bar is the sex's mean with its 95 % interval.", panels)] if panels else []
    return Content(
        sentences=[*_protocols(studies), *map(_gap, studies)],
        shown=[*shown, *(_sexes(model, found) for model, found in studies)],
    )


def _gap(study: Line) -> str:
    model, found = study
    gap = found["accuracy_gap"]
    if gap is None:
        return f"{model}: all speakers are of one sex."
    return (
        f"{model}: men minus women {change(gap['difference'])} points of accuracy, p = {gap['p']:.2f} "
        f"({gap['permutations']:,} permutations of {len(found['actors'])} actors)."
    )


def _actors(results: Results, model: str, found: Json) -> Plot:
    def draw(axes: Any) -> None:
        for x, own in enumerate(found["by_sex"]):
            values = [100 * a["accuracy"] for a in found["actors"] if a["sex"] == own["sex"]]
            spread = [
                x + 0.1 * (number - (len(values) - 1) / 2) / max(1, len(values) / 4) for number in range(len(values))
            ]
            axes.plot(spread, values, "o", color=results.colour(model), markersize=4, alpha=0.5)
            mean = own["accuracy"]
            ends = [100 * (mean["value"] if mean[end] is None else mean[end]) for end in ("low", "high")]
            whiskers(axes, x + 0.3, 100 * mean["value"], (ends[0], ends[1]), results.colour(model))
            axes.text(x + 0.36, 100 * mean["value"], f"{100 * mean['value']:.1f} %", fontsize=8, va="center")
        labels = [f"{own['sex']}\n{own['actors']} actors" for own in found["by_sex"]]
        axes.set_xticks(range(len(labels)), labels, color=INK)
        axes.set_xlim(-0.5, len(labels) - 0.3)
        in_percent(axes)
        mark_chance(axes)
        axes.set_ylabel("accuracy")

    told = "; ".join(f"{own['sex']} {interval(own['accuracy'])} %" for own in found["by_sex"])
    return plot(f"fairness-{model}", f"{model} by sex of the actor", f"{model} by sex of the actor: {told}.", draw)


def _sexes(model: str, found: Json) -> Table:
    columns = ["sex", "actors", "clips", "no reading", "accuracy %", "UAR %"]
    rows = [
        [
            own["sex"],
            str(own["actors"]),
            str(own["samples"]),
            str(own["without_reading"]),
            interval(own["accuracy"]),
            interval(own["uar"]),
        ]
        for own in found["by_sex"]
    ]
    return Table(f"{model}, {found['samples']:,} clips", columns, rows)
