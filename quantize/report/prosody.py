"""What prosody is to count: how the scores depend on it, and what they are where the corpus had no say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quantize.made_of import Json
from quantize.report.drawing import MUTED, SERIES, in_percent, plot
from quantize.report.parts import Content, Plot, Plots, Table
from quantize.report.results import Results
from quantize.report.wording import interval, percent

CORPORA = {"ravdess": "RAVDESS", "tess": "TESS", "nemo": "nEMO"}


def content(results: Results) -> Content:
    """A table of what is chosen by whom, and a drawing of what the strength does."""
    shown: list[Table | Plots] = []
    for study, found in results.of("prosody"):
        shares = "shares in the regression, " + ":".join(CORPORA.values())
        columns = ["chosen by", shares, "ridge", "strength", *(f"{name} %" for name in CORPORA.values())]
        ways = sum(trial["way"]["strength"] > 0 for trial in found["trials"])
        caption = (
            f"{study.about}: {ways} ways, and none. RAVDESS: accuracy, mean of five folds; TESS and nEMO: UAR of "
            "four classes. In brackets, 95 %: a corpus that had no say"
        )
        shown.append(Plots("The way that ships, but for its strength. Dotted: as it ships.", [_drawn(found)]))
        shown.append(Table(caption, columns, _rows(found)))
    return Content(shown=shown)


def _rows(found: Json) -> list[list[str]]:
    chosen = [[_names(choice["chosen_by"]), *_way(choice["trial"]), *_scores(choice)] for choice in found["choices"]]
    best = max(found["trials"], key=lambda trial: sum(trial["scores"].values()))
    for who, trial in (("all three", best), ("as it ships", found["shipped"])):
        chosen.append([who, *_way(trial), *(percent(trial["scores"][name]) for name in CORPORA)])
    return chosen


def _names(corpora: Sequence[str]) -> str:
    return " and ".join(CORPORA[name] for name in corpora)


def _way(trial: Json) -> list[str]:
    fit, strength = trial["way"]["fit"], trial["way"]["strength"]
    shares = ":".join(f"{100 * fit['shares'][name]:.0f}" for name in CORPORA)
    return [shares, f"{fit['ridge']:g}", f"{strength:g}"]


def _scores(choice: Json) -> list[str]:
    own, scores = choice["corpus"], choice["trial"]["scores"]
    return [interval(choice["scores"]["uar"]) if name == own else percent(scores[name]) for name in CORPORA]


def _drawn(found: Json) -> Plot:
    own = found["shipped"]["way"]
    trials = [trial for trial in found["trials"] if trial["way"]["fit"] == own["fit"]]
    strengths = [trial["way"]["strength"] for trial in trials]
    lines = {label: [trial["scores"][name] for trial in trials] for name, label in CORPORA.items()}

    def draw(axes: Any) -> None:
        axes.axvline(own["strength"], color=MUTED, linestyle=":", linewidth=1)
        for (label, values), colour in zip(lines.items(), SERIES, strict=False):
            axes.plot(strengths, [100 * value for value in values], color=colour, marker="o", markersize=3)
            axes.text(strengths[-1] * 1.02, 100 * values[-1], label, color=colour, fontsize=8, va="center")
        axes.set_xlabel("strength of prosody")
        axes.set_xlim(0, strengths[-1] * 1.25)
        in_percent(axes, low=20, high=80)

    told = "; ".join(f"{label} {', '.join(map(percent, values))}" for label, values in lines.items())
    at = ", ".join(f"{strength:g}" for strength in strengths)
    return plot("prosody", "What the strength of prosody does", f"Scores at strengths of {at}: {told}.", draw)
