"""Terminal view of the nodes, for 80 columns or more. Pure: from a registry to a rich renderable."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from device.publish.contract import Health, ModalityPart, State
from device.publish.topics import PART_TOPICS
from device.readings import EMOTIONS, NOBODY, UNCERTAIN, UNKNOWN, Emotion, Modality
from device.watch.node_registry import STALE_AFTER_S, NodeRegistry, NodeView

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


def render(nodes: NodeRegistry, now_ns: int, *, broker: str, problem: str | None, height: int = 200) -> RenderableType:
    """One panel a node. ``problem`` says why there is no connection; ``height`` is the terminal's, in lines."""
    views = [nodes.nodes[name] for name in sorted(nodes.nodes)]
    small = len(views) > 1 and len(views) * _PANEL_LINES > height - 2
    panels = [_panel(node, now_ns, small=small, connected=problem is None) for node in views]
    if not panels:
        panels = [Panel(Text("no node has said anything yet", style="dim"), border_style="dim")]
    return Group(_head(broker, problem), *panels)


def _head(broker: str, problem: str | None) -> Text:
    if problem is not None:
        return Text(f" {_clean(problem, most=_SENTENCE)}", style="bold red")
    return Text.assemble((" affectd watch ", "bold"), (f"broker {broker} · q quits", "dim"))


def _panel(node: NodeView, now_ns: int, *, small: bool, connected: bool) -> Panel:
    status = (node.status.state if node.status else "unknown") if connected else "not known"
    online = status == "online"
    fresh = online and _age_s(node.state_ns, now_ns) <= STALE_AFTER_S
    parts: list[RenderableType] = [_headline(node, now_ns, fresh=fresh)]
    if not small:
        parts += [_bars(node.state if fresh else None), _sensors(node, current=online), _health(node, current=online)]
    title = Text.assemble(f" {_clean(node.name)} · ", (status, _STATES.get(status, "yellow")), " ")
    return Panel(
        Group(*parts), title=title, title_align="left", subtitle=Text(f" {_last_words(node, now_ns)} ", style="dim"),
        subtitle_align="right", border_style="green" if fresh else "red" if status == "offline" else "yellow",
    )  # fmt: skip


def _headline(node: NodeView, now_ns: int, *, fresh: bool) -> Text:
    if node.state_ns is None:
        return Text("no estimate heard yet", style="dim")
    if (state := node.state) is None:
        return Text("an estimate that cannot be read", style="dim")
    if not fresh:
        return Text(f"{state.label} {_age_s(node.state_ns, now_ns):.0f} s ago; nothing since", style="dim")
    line = Text(f"{state.label:<9} ", style=f"bold {_colour(state.label)}")
    if state.label in EMOTIONS:
        line.append(f"{state.confidence:4.2f}")
    line.append(_why(state), style="dim")
    if state.label not in (NOBODY, UNKNOWN):
        line.append(f"   valence {state.valence:+.2f}   arousal {state.arousal:+.2f}", style="dim")
    if (latency := _sane(state.latency_ms.capture_to_publish)) is not None:
        line.append(f"   {latency:.0f} ms", style="dim")
    return line


def _why(state: State) -> str:
    """Why this is said and no likelier emotion, in few words; nothing where it is the likeliest."""
    if state.label == NOBODY:
        return "no face and no voice"
    if state.label == UNKNOWN:
        return _clean(state.reason or "")
    leader = max(EMOTIONS, key=state.probs.__getitem__)
    share, least, hold_s = state.probs[leader], state.fusion.uncertain_below, state.fusion.hold_s
    if least is None or hold_s is None or not share:
        return ""
    best = f"{leader} {share:4.2f}"
    if share < least:
        return f"{best}, below {least:4.2f}" if state.label == UNCERTAIN else f" is below {least:4.2f}"
    return (
        ""
        if leader == state.label
        else f"{best}, led < {hold_s:g} s"
        if state.label == UNCERTAIN
        else f"  held; {best}"
    )


def _bars(state: State | None) -> Table:
    parts = state.modalities if state else {}
    fused = Text(f"fused ({state.fusion.rule})" if state else "fused", style="dim")
    columns = [(fused, state, 20), *((_column_title(m, parts.get(m)), parts.get(m), 12) for m in Modality)]
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("")
    for title, _, width in columns:
        table.add_column(title, min_width=width + 5, no_wrap=True)
    for emotion in EMOTIONS:
        row = [_bar(part.probs[emotion] if part else None, width, _COLOURS[emotion]) for _, part, width in columns]
        table.add_row(Text(emotion, style=_COLOURS[emotion]), *row)
    return table


def _column_title(name: str, part: ModalityPart | None) -> Text:
    return Text(f"{name} ×{part.weight:.2f}" if part and part.present else f"{name} –", style="dim")


def _bar(share: float | None, width: int, colour: str) -> Text:
    if share is None:
        return Text("·", style="dim")
    eighths = round(share * width * 8)
    bar = "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
    return Text.assemble((f"{bar:<{width}}", colour), f" {share:4.2f}")


def _sensors(node: NodeView, *, current: bool) -> Text:
    line = _line_of(current=current)
    for name in PART_TOPICS:
        part = node.part(name)
        if name == "store" and (part is None or part.state == "online"):
            continue  # of interest only when a restart would lose something
        state, reason = (part.state, _clean(part.reason or "", most=_SENTENCE)) if part else ("unknown", "")
        line.append(f"{name} ", style="dim").append(state, style=_STATES.get(state, "yellow") if current else "dim")
        line.append(f" ({reason})   " if reason else "   ", style="dim")
    if node.privacy:
        line.append("privacy on", style="bold magenta" if current else "dim")
    return line


def _health(node: NodeView, *, current: bool) -> Text:
    words = [*(_health_words(node.health) if node.health else ())]
    if node.info:
        words.append(f"version {_clean(node.info.version)}")
    return _line_of(current=current).append(" · ".join(words) or "no health heard yet", style="dim")


def _line_of(*, current: bool) -> Text:
    """The start of a line about things that are retained: they outlive the node."""
    return Text("" if current else "last known: ", style="dim")


def _health_words(health: Health) -> Iterator[str]:
    figures = (
        (health.frame_rate_hz, 1, "{:.1f} frames/s"),
        (health.memory_rss_bytes, 1e-6, "{:.0f} MB"),
        (health.load_1min, 1, "load {:.2f}"),
        (health.soc_temperature_celsius, 1, "{:.0f} °C"),
    )
    for figure, factor, words in figures:
        if (value := _sane(figure)) is not None:
            yield words.format(value * factor)
    if dropped := sum(health.dropped.values()):
        yield f"{dropped} dropped"
    if health.undervoltage_now:
        yield "UNDERVOLTAGE"
    if health.clock_synced is False:
        yield "clock not set"


def _last_words(node: NodeView, now_ns: int) -> str:
    if node.alive_ns is None:
        return "not heard since we listen"
    return f"last message {_age_s(node.alive_ns, now_ns):.1f} s ago"


def _age_s(heard_ns: int | None, now_ns: int) -> float:
    return float("inf") if heard_ns is None else (now_ns - heard_ns) / 1e9


def _colour(label: str) -> str:
    return _COLOURS[Emotion(label)] if label in EMOTIONS else "white"


def _sane(value: float | None) -> float | None:
    """Nothing of a number that would fill the line."""
    return value if value is not None and abs(value) < _ABSURD else None


def _clean(text: str, *, most: int = _WORD) -> str:
    """No control characters: what a stranger publishes must not steer the terminal."""
    return "".join(c if c.isprintable() else "·" for c in text)[:most]
