"""The live checks of what a draft names: each shows what it sees on the way, and ends as a finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from device.errors import AffectdError
from device.monitoring.findings import Finding, look
from device.setup.broker_stages import broker_stages
from device.setup.camera_check import View, look_through, shown
from device.setup.draft import Draft
from device.setup.microphone_check import Level, listen_to
from device.wiring.broker import make_topics
from device.wiring.models import load_models

FACE_S = 6.0
VOICE_S = 6.0


@dataclass(frozen=True, slots=True)
class Checked:
    """``sure``: a face was seen, a voice heard, the broker passed a message on; nothing to try again.

    ``turn``: degrees, clockwise, by which the picture has to be turned to show a face; 0 if it is right as it is.
    """

    finding: Finding
    sure: bool
    turn: int = 0


def check_camera(draft: Draft, show: Callable[[View], object]) -> Checked:
    """Look through the camera until a face is there or the time is over. No picture is kept."""
    views: list[View] = []

    def examine() -> str:
        for view in look_through(draft.settings.camera, load_models(draft.settings), FACE_S):
            show(view)
            views.append(view)
        return f"{shown(draft.settings.camera.source)} gives {views[-1]}, face found: {_face(views)}"

    finding = look("camera", examine)
    return Checked(finding, sure=finding.ok and views[-1].face, turn=_turn(views) if finding.ok else 0)


def _face(views: Sequence[View]) -> str:
    if views[-1].face:
        return "yes"
    turn = _turn(views)
    return f"no, but there is one if the picture is turned by {turn}° ([camera] turn)" if turn else "no"


def _turn(views: Sequence[View]) -> int:
    """The turn that showed a face most often; 0 where the picture is upright, or where none did twice."""
    if views[-1].face:
        return 0
    helped = Counter(view.face_if_turned for view in views if view.face_if_turned)
    return next((turn for turn, times in helped.most_common(1) if times > 1), 0)


def check_microphone(draft: Draft, show: Callable[[Level], object]) -> Checked:
    """Listen for a while. No sound is kept."""
    levels: list[Level] = []

    def examine() -> str:
        for level in listen_to(draft.settings.microphone.name, VOICE_S):
            show(level)
            levels[:] = [level]
        name = draft.settings.microphone.name or "the default one"
        return f"{name!r} gives sound, {levels[0]}, voice heard: {'yes' if levels[0].voice else 'no'}"

    finding = look("microphone", examine)
    return Checked(finding, sure=finding.ok and levels[0].voice)


def check_broker(draft: Draft) -> Iterator[Finding]:
    """The stages, up to the first fault."""
    try:
        address, topics = draft.address(), make_topics(draft.settings)
    except AffectdError as error:
        yield Finding("broker", False, str(error))
        return
    yield from broker_stages(address, topics)


def check_all(draft: Draft) -> Iterator[Finding]:
    """Everything, for a setup that nobody watches."""
    if draft.uses_camera:
        yield check_camera(draft, _unseen).finding
    if draft.uses_microphone:
        yield check_microphone(draft, _unseen).finding
    yield from check_broker(draft)


def _unseen(_what: object) -> None:
    pass
