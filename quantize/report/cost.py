"""Accuracy against what it costs: bytes of the file, and instructions on the Pi's processor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from device.models.card import Card
from quantize.report.drawing import MUTED, in_percent, plot, whiskers
from quantize.report.parts import Content, Plot, Plots, Table
from quantize.report.results import Results
from quantize.report.wording import interval, kilobytes

FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody else's face net, as measured on FER2013 PrivateTest, all 3,589 pictures; ``parameters`` if stated."""

    name: str
    accuracy: float
    parameters: int | None


PEERS = (
    Peer("big_XCEPTION", 0.669, 209_000),
    Peer("fer 25.10.3", 0.658, 58_000),
    Peer("face-api 1.7.15", 0.589, None),
    Peer("facial-emotion-recognition 0.3.4", 0.525, None),
    Peer("facex 1.1.0", 0.430, None),
)
"""The project's own benchmark of peers that run offline: one thread, the same pictures, no other training."""


@dataclass(frozen=True, slots=True)
class _Point:
    card: Card
    accuracy: dict[str, float]
    bytes: int
    instructions: int | None


def content(results: Results) -> Content:
    """A table of the files, and accuracy against both costs."""
    points = [_point(results, card) for card in results.cards]
    columns = ["file", "bytes", "parameters", "accuracy %", "arm64 instructions", "estimated ms on a Pi 4"]
    rows = [_row(results, point) for point in points]
    told = Table("FER2013 PrivateTest for faces, RAVDESS's test actors for voices", columns, rows)
    peers = Table(
        "Peers, measured on FER2013 PrivateTest (all 3,589)",
        ["peer", "accuracy %", "parameters"],
        [[p.name, f"{100 * p.accuracy:.1f}", f"{p.parameters:,}" if p.parameters else "not stated"] for p in PEERS],
    )
    faces = [point for point in points if point.card.kind == "face"]
    drawn = Plots(
        "Face nets on FER2013 PrivateTest. Grey: peers, their size as parameters × 4 bytes; dashed: size not stated.",
        [_by_size(results, faces), *_by_instructions(results, points)],
    )
    return Content(shown=[told, drawn, peers])


def _point(results: Results, card: Card) -> _Point:
    corpus = next(iter(card.about["metrics"]["int8"].values()))
    size = (results.sets[0].folder / card.file).stat().st_size
    return _Point(card, corpus["test"]["accuracy"], size, results.instructions_of(card))


def _row(results: Results, point: _Point) -> list[str]:
    counted, per_million = point.instructions, results.instructions.get("ms_per_million", 0)
    cost = [f"{counted / 1e6:.1f} M", f"{counted / 1e6 * per_million:.1f}"] if counted else ["not counted", ""]
    parameters = f"{point.card.about['parameters']:,}"
    return [point.card.id, f"{point.bytes:,}", parameters, interval(point.accuracy), *cost]


def _by_size(results: Results, faces: list[_Point]) -> Plot:
    def draw(axes: Any) -> None:
        axes.set_xscale("log")
        for peer in PEERS:
            if peer.parameters is None:
                axes.axhline(100 * peer.accuracy, color=MUTED, linewidth=0.8, linestyle="--", alpha=0.6)
                axes.text(3600, 100 * peer.accuracy + 0.2, peer.name, fontsize=7, color=MUTED, ha="right", va="bottom")
            else:
                size = peer.parameters * FLOAT_BYTES / 1000
                axes.plot(size, 100 * peer.accuracy, "o", color=MUTED, markersize=5)
                axes.text(size * 1.12, 100 * peer.accuracy, peer.name, fontsize=8, color=MUTED, va="center")
        for point in faces:
            _draw_point(axes, results, point, point.bytes / 1000)
        axes.set(xlim=(100, 4000), xlabel="kB of the file (logarithmic)", ylabel="accuracy")
        in_percent(axes, low=40, high=80)
        axes.set_xticks((100, 300, 1000, 3000), ("100", "300", "1,000", "3,000"))
        axes.minorticks_off()

    ours = "; ".join(f"{p.card.id} {interval(p.accuracy)} % in {kilobytes(p.bytes)} kB" for p in faces)
    peers = "; ".join(f"{p.name} {100 * p.accuracy:.1f} %" for p in PEERS)
    return plot(
        "cost-size",
        "Accuracy and size of face nets",
        f"Accuracy against size. {ours}. Peers: {peers}.",
        draw,
        height_in=3.2,
    )


def _by_instructions(results: Results, points: list[_Point]) -> Iterator[Plot]:
    for kind, corpus in (("face", "FER2013"), ("speech", "RAVDESS")):
        own = [point for point in points if point.card.kind == kind and point.instructions]
        if own:
            yield _counted(results, own, f"Accuracy and instructions, {kind} ({corpus})", kind)


def _counted(results: Results, points: list[_Point], title: str, kind: str) -> Plot:
    counted = [(point, (point.instructions or 0) / 1e6) for point in points]

    def draw(axes: Any) -> None:
        for point, millions in counted:
            _draw_point(axes, results, point, millions)
        axes.set(xlim=(0, 1.5 * max(millions for _, millions in counted)), ylabel="accuracy")
        axes.set_xlabel("million arm64 instructions an inference")
        in_percent(axes, low=40, high=80)

    alt = "; ".join(
        f"{point.card.id}: {interval(point.accuracy)} % with {millions:.1f} M" for point, millions in counted
    )
    return plot(f"cost-instructions-{kind}", title, f"{title}. {alt}.", draw, height_in=3.2)


def _draw_point(axes: Any, results: Results, point: _Point, x: float) -> None:
    colour, figure = results.colour(point.card.id), point.accuracy
    whiskers(axes, x, 100 * figure["value"], (100 * figure["low"], 100 * figure["high"]), colour)
    axes.annotate(
        point.card.id,
        (x, 100 * figure["value"]),
        (6, -3),
        textcoords="offset points",
        color=colour,
        fontsize=8,
        weight="bold",
    )
