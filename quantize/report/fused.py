"""Face and voice together: the rules against the better of the two, and what a simulated protocol flatters by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from quantize.made_of import Json
from quantize.report.drawing import INK, MUTED, in_percent, mark_chance, plot, whiskers
from quantize.report.parts import Content, Plot, Plots, Table
from quantize.report.results import Results
from quantize.report.wording import NONE, chance, change, interval, percent

_SINGLE = ("face", "speech")


def content(results: Results) -> Content:
    """For each set a table a pair of nets, the simulated protocol, and people."""
    studies = [found for _, found in results.of("fusion")]
    pairs = [(found, same) for found in studies for same in found["same_performance"]]
    sentences = dict.fromkeys(same["protocol"] for _, same in pairs)
    if not studies:
        return Content()
    rules = Plots(
        "On the same performance: each net alone (grey) and each rule. Bars: 95 % over actors; dotted: guessing.",
        [_rules(results, found, same) for found, same in _distinct(pairs)],
    )
    tables = [_same_table(same) for _, same in _distinct(pairs)]
    simulated = [_simulated_table(found["simulated"]) for found in studies]
    return Content(
        sentences=[*sentences, _people(studies[0]["people"])],
        shown=[
            rules,
            *tables,
            *simulated,
            _control(list(_distinct(pairs))),
            *[_losses_table(same) for _, same in _distinct(pairs)][:1],
        ],
    )


def _distinct(pairs: list[tuple[Json, Json]]) -> Iterator[tuple[Json, Json]]:
    """Each pair of nets once: those that are nobody's set are in every study."""
    seen = set()
    for found, same in pairs:
        names = (same["face"], same["speech"], *same["speech_files"])
        if names not in seen:
            seen.add(names)
            yield found, same


def _rules(results: Results, found: Json, same: Json) -> Plot:
    systems = same["systems"]
    colour = results.colour(same["speech"]) if same["speech_files"] else INK

    def draw(axes: Any) -> None:
        for y, system in enumerate(reversed(systems)):
            own = system["scores"]["accuracy"]
            ends = (100 * own["low"], 100 * own["high"])
            whiskers(axes, 100 * own["value"], y, ends, MUTED if system["name"] in _SINGLE else colour, flat=True)
        axes.set_yticks(range(len(systems)), [system["name"] for system in reversed(systems)], color=INK)
        axes.set_ylim(-0.6, len(systems) - 0.4)
        in_percent(axes, "x", low=0)
        mark_chance(axes, which="x")

    title = f"{same['face']} + {same['speech']}"
    told = "; ".join(f"{system['name']} {percent(system['scores']['accuracy']['value'])} %" for system in systems)
    alt = f"Accuracy of {title} on {same['samples']:,} performances: {told}."
    return plot(
        f"fusion-{found['model_set']}-{same['face']}-{same['speech']}", f"Fused: {title}", alt, draw, height_in=2.3
    )


def _same_table(same: Json) -> Table:
    left_out = f"; {same['left_out']} left out without a reading" if same["left_out"] else ""
    caption = (
        f"{same['face']} sees, {same['speech']} hears: {same['samples']:,} performances{left_out}. "
        f"The better one alone is {same['better_single']}."
    )
    over = ["over the better alone, points", "t / Wilcoxon p", "over average, points", "t / Wilcoxon p"]
    columns = ["", "accuracy %", "UAR %", "calibration error", *over]
    return Table(caption, columns, [_system_row(system) for system in same["systems"]])


def _system_row(system: Json) -> list[str]:
    own = system["scores"]
    scored = [system["name"], interval(own["accuracy"]), interval(own["uar"]), f"{own['calibration_error']:.3f}"]
    return [*scored, *_over(system["against_better_single"]), *_over(system["against_average"])]


def _over(paired: Json | None) -> list[str]:
    """What a system gains over another on the same performances, by actor; nothing over itself."""
    if paired is None:
        return [NONE, NONE]
    return [change(paired["accuracy_difference"]), f"{chance(paired['t_p'])} / {chance(paired['wilcoxon_p'])}"]


def _simulated_table(simulated: Json) -> Table:
    caption = (
        f"Simulated, as published: {simulated['face']} and {simulated['speech']}, {simulated['voices']:,} voices, "
        f"{simulated['draws']} draws. {simulated['protocol']}"
    )
    rows = [
        [s["name"], percent(s["accuracy"]), percent(s["accuracy_sd"]), percent(s["uar"])] for s in simulated["systems"]
    ]
    return Table(caption, ["", "accuracy %", "sd over draws", "UAR %"], rows)


def _control(pairs: list[tuple[Json, Json]]) -> Table:
    caption = (
        "The control: the same answers, each face with the voice of another performance of the same emotion (sd over "
        "random pairings). What strangers gain over true pairs is what a simulated protocol flatters by."
    )
    rows = [
        [
            f"{same['face']} + {same['speech']}, {rule['rule']}",
            percent(rule["true_pairs"]),
            f"{percent(rule['random_pairs'])} (sd {percent(rule['random_pairs_sd'])})",
        ]
        for _, same in pairs
        for rule in same["repaired"]["rules"]
    ]
    return Table(caption, ["nets, rule", "true pairs, accuracy %", "strangers, accuracy %"], rows)


def _people(people: Json) -> str:
    shares = ", ".join(f"{name} {interval(people[name])} %" for name in ("voice", "face", "both"))
    return (
        f"For scale, people on {people['clips']:,} clips of CREMA-D ({people['actors']} actors): {shares}; both over "
        f"the better one {change(people['gain'])} points."
    )


def _losses_table(same: Json) -> Table:
    caption = f"One modality spoilt ({same['face']} + {same['speech']}): change against both intact, points"
    rules = list(dict.fromkeys(loss["rule"] for loss in same["losses"]))
    conditions = list(dict.fromkeys((loss["modality"], loss["condition"]) for loss in same["losses"]))
    cells = {(own["modality"], own["condition"], own["rule"]): change(own["change"]) for own in same["losses"]}
    rows = [[f"{modality} {told}", *(cells[modality, told, rule] for rule in rules)] for modality, told in conditions]
    return Table(caption, ["spoilt", *rules], rows)
