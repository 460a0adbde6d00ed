"""Live display of a check, and what a person wants to do about what it found."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.bar import Bar
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from device.monitoring.findings import Finding
from device.setup.camera_check import View
from device.setup.checks import FACE_S, VOICE_S, Checked, check_broker, check_camera, check_microphone
from device.setup.dialogue import ask_broker, ask_camera, ask_microphone, choose
from device.setup.draft import Draft
from device.setup.microphone_check import Level

QUIETEST_DBFS = -60.0
"""Where the meter begins: a quiet room, through a microphone of the cheap kind."""

Ask = Callable[[Console, Draft], Draft]
_Check = Callable[[Console, Draft], Checked]


def settle(console: Console, draft: Draft, ask: Ask, check: _Check, *, given: bool) -> Draft:
    """Ask (unless flags have answered), check, and go on until it is as the person wants it."""
    if not given:
        draft = ask(console, draft)
    while not (checked := check(console, draft)).sure:
        next_steps = ({"turn": f"turn the picture by {checked.turn}°"} if checked.turn else {}) | _NEXT_STEPS
        requested = choose(console, "Next step", next_steps, next(iter(next_steps)))
        if requested == "keep":
            break
        if requested == "turn":
            draft = draft.with_turned_camera(checked.turn)
        draft = ask(console, draft) if requested == "change" else draft
    return draft


_NEXT_STEPS = {"again": "look once more", "change": "answer anew", "keep": "leave it like this"}
_NOTHING_TO_SEE = Checked(Finding("sensor", True, "not used"), sure=True)


def settle_broker(console: Console, draft: Draft, *, given: bool) -> Draft:
    """The broker: asked for and tried in stages."""
    return settle(console, draft, ask_broker, _see_broker, given=given)


def settle_camera(console: Console, draft: Draft, *, given: bool) -> Draft:
    """The camera: asked for and looked through."""
    return settle(console, draft, ask_camera, _see_camera, given=given)


def settle_microphone(console: Console, draft: Draft, *, given: bool) -> Draft:
    """The microphone: asked for and listened to."""
    return settle(console, draft, ask_microphone, _see_microphone, given=given)


def _show(console: Console, finding: Finding) -> None:
    """One line that stays."""
    sign = "[green]✓[/]" if finding.ok else "[red]✗[/]"
    console.print(f"{sign} {finding.subject}: {escape(finding.note)}", highlight=False)


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Drop what ALSA and the TFLite runtime write to stderr by themselves: it would stand across the questions."""
    before = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(nowhere)
        os.close(before)


def _see_broker(console: Console, draft: Draft) -> Checked:
    finding = Finding("broker", True, "")
    for finding in check_broker(draft):
        _show(console, finding)
    return Checked(finding, sure=finding.ok)


def _see_camera(console: Console, draft: Draft) -> Checked:
    if not draft.uses_camera:
        return _NOTHING_TO_SEE
    console.print(f"Please look into the camera: up to {FACE_S:.0f} s. No picture is kept.")
    with _live(console) as live:
        checked = check_camera(draft, lambda view: live.update(_seen(view)))
    return _shown(console, checked)


def _see_microphone(console: Console, draft: Draft) -> Checked:
    if not draft.uses_microphone:
        return _NOTHING_TO_SEE
    console.print(f"Please say a sentence: up to {VOICE_S:.0f} s. No sound is kept.")
    with _live(console) as live:
        checked = check_microphone(draft, lambda level: live.update(_level_row(level)))
    return _shown(console, checked)


def _shown(console: Console, checked: Checked) -> Checked:
    _show(console, checked.finding)
    return checked


def _live(console: Console) -> AbstractContextManager[Live]:
    return Live(Text(" …"), console=console, transient=True, refresh_per_second=10)


def _seen(view: View) -> Text:
    return Text(f"  {view}   face: {'yes' if view.face else 'not yet'}")


def _level_row(level: Level) -> Table:
    """The level meter."""
    line = Table.grid(padding=(0, 1))
    filled = min(max(level.now_dbfs - QUIETEST_DBFS, 0), -QUIETEST_DBFS)
    line.add_row(
        Bar(-QUIETEST_DBFS, 0, filled, width=40),
        f"{level.now_dbfs:4.0f} dBFS",
        f"voice: {'yes' if level.voice else 'not yet'}",
    )
    return line
