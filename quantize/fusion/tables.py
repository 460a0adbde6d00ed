"""Figures of fusion for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE
from rich.table import Table

from quantize.fusion.compare import SamePerformance, System
from quantize.fusion.simulated import Simulated
from quantize.fusion.study import FusionStudy
from quantize.metrics import Figure
from quantize.paired import Interval, Paired


def of_study(study: FusionStudy) -> Iterator[Table]:
    """Three kinds of table: simulated, the same performance, and people."""
    yield _of_simulated(study.simulated)
    for same in study.same_performance:
        yield _of_same(same)
    yield _of_people(study)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _of_simulated(simulated: Simulated) -> Table:
    title = f"Simulated: {simulated.face} and {simulated.speech}, {simulated.draws} random pairings"
    table = _table(title, "", "accuracy", "sd", "UAR")
    for system in simulated.systems:
        shares = (system.accuracy, system.accuracy_sd, system.uar)
        table.add_row(system.name, *(f"{100 * share:.1f}" for share in shares))
    return table


def _of_same(same: SamePerformance) -> Table:
    title = (
        f"The same performance: {same.face} sees, {same.speech} hears, {same.samples} performances; "
        f"better alone: {same.better_single}"
    )
    columns = ("", "accuracy", "UAR", "F1", "ECE", "over the better alone", "t", "Wilcoxon", "over average", "Wilcoxon")
    table = _table(title, *columns)
    for system in same.systems:
        table.add_row(*_row(system))
    return table


def _row(system: System) -> Iterator[str]:
    scores = system.scores
    yield system.name
    yield _figure(scores.accuracy)
    yield f"{100 * scores.uar.value:.1f}"
    yield f"{100 * scores.macro_f1:.1f}"
    yield f"{scores.calibration_error:.3f}"
    yield from _paired(system.against_better_single, with_t=True)
    yield from _paired(system.against_average, with_t=False)


def _paired(paired: Paired | None, *, with_t: bool) -> Iterator[str]:
    yield _difference(paired.accuracy_difference) if paired else ""
    if with_t:
        yield _p(paired.t_p) if paired else ""
    yield _p(paired.wilcoxon_p) if paired else ""


def _of_people(study: FusionStudy) -> Table:
    people = study.people
    table = _table(f"People, {people.clips} clips of CREMA-D", "", "accuracy")
    for name in ("voice", "face", "both"):
        table.add_row(name, _figure(getattr(people, name)))
    table.add_row("gain", _difference(people.gain))
    return table


def _figure(figure: Figure) -> str:
    return f"{100 * figure.value:.1f} [{100 * figure.low:.1f}–{100 * figure.high:.1f}]"


def _difference(difference: Interval) -> str:
    if difference.low is None or difference.high is None:
        return f"{100 * difference.value:+.1f}"
    return f"{100 * difference.value:+.1f} [{100 * difference.low:+.1f} {100 * difference.high:+.1f}]"


def _p(p: float | None) -> str:
    return "" if p is None else f"{p:.2g}"
