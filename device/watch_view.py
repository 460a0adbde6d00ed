"""What the broker carries, drawn for a terminal of 80 columns or more. Pure: from a house to a rich renderable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from device.house import STALE_AFTER_S, House, NodeView
from device.readings import EMOTIONS, NOBODY, UNCERTAIN, UNKNOWN, Emotion

_PANEL_LINES = 14
_ABSURD = 1e15
_WORD, _SENTENCE = 80, 400
"""The most characters of a name or a label, and of a reason with its remedy, that are shown."""
_EIGHTHS = " ▏▎▍▌▋▊▉"
_COLOURS = {
    Emotion.ANGRY: "red", Emotion.DISGUST: "green", Emotion.FEAR: "magenta", Emotion.HAPPY: "yellow",
    Emotion.NEUTRAL: "white", Emotion.SAD: "blue", Emotion.SURPRISE: "cyan",
}  # fmt: skip
_STATES = {"online": "green", "degraded": "yellow", "disabled": "dim", "stopped": "yellow", "offline": "bold red"}


def render(house: House, now_ns: int, *, broker: str, problem: str | None, height: int = 200) -> RenderableType:
    """One panel a node. ``problem`` says why there is no connection; ``height`` is the terminal's, in lines."""
    nodes = [house.nodes[name] for name in sorted(house.nodes)]
    small = len(nodes) > 1 and len(nodes) * _PANEL_LINES > height - 2
    panels = [_panel(node, now_ns, small=small, connected=problem is None) for node in nodes]
    if not panels:
        panels = [Panel(Text("no node has said anything yet", style="dim"), border_style="dim")]
    return Group(_head(broker, problem), *panels)


def _head(broker: str, problem: str | None) -> Text:
    if problem is not None:
        return Text(f" {_clean(problem, most=_SENTENCE)}", style="bold red")
    return Text.assemble((" affectd watch ", "bold"), (f"broker {broker} · q quits", "dim"))


def _panel(node: NodeView, now_ns: int, *, small: bool, connected: bool) -> Panel:
    status = (_word(node.said("status"), "state") or "unknown") if connected else "not known"
    online = status == "online"
    fresh = online and _age_s(node.state_ns, now_ns) <= STALE_AFTER_S
    state = node.said("state")
    parts: list[RenderableType] = [_headline(node, state, now_ns, fresh=fresh)]
    if not small:
        parts += [_bars(state if fresh else {}), _sensors(node, current=online), _health(node, current=online)]
    title = Text.assemble(f" {_clean(node.name)} · ", (status, _STATES.get(status, "yellow")), " ")
    return Panel(
        Group(*parts), title=title, title_align="left", subtitle=Text(f" {_last_words(node, now_ns)} ", style="dim"),
        subtitle_align="right", border_style="green" if fresh else "red" if status == "offline" else "yellow",
    )  # fmt: skip


def _headline(node: NodeView, state: Mapping[str, Any], now_ns: int, *, fresh: bool) -> Text:
    if node.state_ns is None:
        return Text("no estimate heard yet", style="dim")
    label, sure = _word(state, "label") or "?", _number(state, "confidence")
    if not fresh:
        return Text(f"{label} {_age_s(node.state_ns, now_ns):.0f} s ago; nothing since", style="dim")
    line = Text(f"{label:<9} ", style=f"bold {_colour(label)}")
    if label in EMOTIONS:
        line.append(f"{sure:4.2f}" if sure is not None else "")
    line.append(_why(label, state), style="dim")
    if label not in (NOBODY, UNKNOWN):
        line.append(f"   valence {_signed(state, 'valence')}   arousal {_signed(state, 'arousal')}", style="dim")
    latency = _number(_object(state, "latency_ms"), "capture_to_publish")
    if latency is not None:
        line.append(f"   {latency:.0f} ms", style="dim")
    return line


def _why(label: str, state: Mapping[str, Any]) -> str:
    """Why this is said and no likelier emotion, in few words; nothing where it is the likeliest."""
    if label == NOBODY:
        return "no face and no voice"
    if label == UNKNOWN:
        return _word(state, "reason") or ""
    shares = {emotion: _number(_object(state, "probs"), emotion) or 0.0 for emotion in EMOTIONS}
    leader = max(shares, key=shares.__getitem__)
    chosen = _object(state, "fusion")
    least, hold_s = _number(chosen, "uncertain_below"), _number(chosen, "hold_s")
    if least is None or hold_s is None or not shares[leader]:
        return ""
    said = f"{leader} {shares[leader]:4.2f}"
    if shares[leader] < least:
        return f"{said}, below {least:4.2f}" if label == UNCERTAIN else f" is below {least:4.2f}"
    return "" if leader == label else f"{said}, led < {hold_s:g} s" if label == UNCERTAIN else f"  held; {said}"


def _bars(state: Mapping[str, Any]) -> Table:
    modalities = _object(state, "modalities")
    columns = [("fused", state, 20)] + [(m, _object(modalities, m), 12) for m in ("face", "speech")]
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("")
    for name, part, width in columns:
        table.add_column(_column_title(name, part), min_width=width + 5, no_wrap=True)
    for emotion in EMOTIONS:
        row = [_bar(_number(_object(part, "probs"), emotion), width, _COLOURS[emotion]) for _, part, width in columns]
        table.add_row(Text(emotion, style=_COLOURS[emotion]), *row)
    return table


def _column_title(name: str, part: Mapping[str, Any]) -> Text:
    if name == "fused":
        rule = _word(_object(part, "fusion"), "rule")
        return Text(f"fused ({rule})" if rule else "fused", style="dim")
    weight = _number(part, "weight") if part.get("present") else None
    return Text(f"{name} ×{weight:.2f}" if weight is not None else f"{name} –", style="dim")


def _bar(share: float | None, width: int, colour: str) -> Text:
    if share is None:
        return Text("·", style="dim")
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    bar = "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
    return Text.assemble((f"{bar:<{width}}", colour), f" {share:4.2f}")


def _sensors(node: NodeView, *, current: bool) -> Text:
    line = _line_of(current=current)
    for part in ("camera", "microphone", "models", "store"):
        said = node.said(f"status/{part}")
        if part == "store" and _word(said, "state") in (None, "online"):
            continue  # of interest only when a restart would lose something
        state, reason = _word(said, "state") or "unknown", _word(said, "reason", most=_SENTENCE)
        line.append(f"{part} ", style="dim").append(state, style=_STATES.get(state, "yellow") if current else "dim")
        line.append(f" ({reason})   " if reason else "   ", style="dim")
    if _word(node.said("privacy/state"), "value") == "ON":
        line.append("privacy on", style="bold magenta" if current else "dim")
    return line


def _health(node: NodeView, *, current: bool) -> Text:
    words = " · ".join(_health_words(node.said("health"), node.said("info")))
    return _line_of(current=current).append(words or "no health heard yet", style="dim")


def _line_of(*, current: bool) -> Text:
    """The start of a line about things that are retained: they outlive the node."""
    return Text("" if current else "last known: ", style="dim")


def _health_words(health: Mapping[str, Any], info: Mapping[str, Any]) -> Iterator[str]:
    figures = (
        ("frame_rate_hz", 1, "{:.1f} frames/s"),
        ("memory_rss_bytes", 1e-6, "{:.0f} MB"),
        ("load_1min", 1, "load {:.2f}"),
        ("soc_temperature_celsius", 1, "{:.0f} °C"),
    )
    for key, factor, words in figures:
        if (value := _number(health, key)) is not None:
            yield words.format(value * factor)
    drops = _object(health, "dropped")
    if dropped := sum(_number(drops, part) or 0 for part in drops):
        yield f"{dropped:.0f} dropped"
    if health.get("undervoltage_now") is True:
        yield "UNDERVOLTAGE"
    if health.get("clock_synced") is False:
        yield "clock not set"
    if version := _word(info, "version"):
        yield f"version {version}"


def _last_words(node: NodeView, now_ns: int) -> str:
    if node.alive_ns is None:
        return "not heard since we listen"
    return f"last message {_age_s(node.alive_ns, now_ns):.1f} s ago"


def _age_s(heard_ns: int | None, now_ns: int) -> float:
    return float("inf") if heard_ns is None else (now_ns - heard_ns) / 1e9


def _colour(label: str) -> str:
    return _COLOURS[Emotion(label)] if label in EMOTIONS else "white"


def _signed(state: Mapping[str, Any], key: str) -> str:
    value = _number(state, key)
    return "–" if value is None else f"{value:+.2f}"


def _number(part: Mapping[str, Any], key: str) -> float | None:
    value = part.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return value if abs(value) < _ABSURD else None  # neither is NaN, which Python's JSON lets through


def _word(part: Mapping[str, Any], key: str, *, most: int = _WORD) -> str | None:
    value = part.get(key)
    return _clean(value, most=most) if isinstance(value, str) else None


def _object(part: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = part.get(key)
    return value if isinstance(value, dict) else {}


def _clean(text: str, *, most: int = _WORD) -> str:
    """No control characters: what a stranger publishes must not steer the terminal."""
    return "".join(c if c.isprintable() else "·" for c in text)[:most]
