"""From settings to the branches: a camera, a microphone or recordings, each with its recogniser."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.capture.cameras import open_camera_kind
from device.capture.latest import LatestOnly
from device.capture.microphone import Microphone
from device.capture.picture_watch import WatchedPictures
from device.capture.replay import Replay, open_media
from device.capture.turned import upright
from device.config.settings import UNSTATED, CameraSettings, Settings
from device.errors import AffectdError, ConfigError, SourceUnavailable
from device.modalities import MODALITIES
from device.models.net import NetLoader
from device.models.sets import ModelSet
from device.pipeline.branch_state import NO_PURPOSE
from device.readings import Modality
from device.signals import AudioBlock, Frame
from device.stages import AnyBranch, Branch, Source


def open_camera(camera: CameraSettings) -> Source[Frame]:
    """The camera of the settings, not yet open, as it would be if it hung upright."""
    size_px = camera.width_px, camera.height_px
    source = open_camera_kind(camera.source, size_px=size_px, rate_hz=camera.rate_hz)
    return upright(source, turn=camera.turn, mirror=camera.mirror)


def replay_branches(settings: Settings, models: ModelSet, replay: Replay, load_net: NetLoader) -> list[AnyBranch]:
    """The tracks of recorded media, read as fast as it goes. Raises ``AffectdError`` for media without any."""
    branches: list[AnyBranch] = []
    for row in MODALITIES:
        track = SENSORS[row.modality].recorded(settings, replay)
        if track is not None and row.is_in(settings.node.mode):
            branches.append(Branch(row.part, _always(track), row.make_recogniser(models, load_net)))
    if not branches:
        raise AffectdError(
            f"nothing to read emotion from: mode {settings.node.mode!r} finds no such track in the media"
        )
    return branches


def make_branches(settings: Settings, models: ModelSet, load_net: NetLoader) -> Sequence[AnyBranch]:
    """The appliance's branches. Raises ``ConfigError`` for recordings without such a track."""
    replay = paced_replay(settings) if settings.replay.media else None
    branches: list[AnyBranch] = []
    for row in MODALITIES:
        sensor = SENSORS[row.modality]
        if row.is_in(settings.node.mode) and (replay is None or sensor.recorded(settings, replay) is not None):
            recogniser = row.make_recogniser(models, load_net)
            opener = _opener(settings, sensor, replay)
            branches.append(Branch(row.part, opener, recogniser, required=sensor.required(settings)))
    if not branches:
        raise ConfigError(f"replay.media: mode {settings.node.mode!r} finds no such track in the media")
    return branches


def paced_replay(settings: Settings) -> Replay:
    """The settings' recordings at the pace of life. Raises ``AffectdError``."""
    chosen = settings.replay
    return open_media(
        [Path(name) for name in chosen.media],
        audio=Path(chosen.audio) if chosen.audio else None,
        paced=True,
        loop=chosen.loop,
        rate_hz=settings.camera.rate_hz,
    )


@dataclass(frozen=True, slots=True)
class Sensor:
    """Sensor of a modality: where its signals come from.

    ``live`` makes the sensor's source, not yet open; ``recorded`` gives the track of a recording that stands in for it,
    ``None`` without; ``watched`` wraps either for the appliance; ``required``: no sensor, no appliance.
    """

    live: Callable[[Settings], Source[Any]]
    recorded: Callable[[Settings, Replay], Source[Any] | None]
    watched: Callable[[Source[Any]], Source[Any]]
    required: Callable[[Settings], bool]


def _opener(settings: Settings, sensor: Sensor, replay: Replay | None) -> Callable[[], Source[Any]]:
    def open_source() -> Source[Any]:
        track = sensor.recorded(settings, replay) if replay else None
        if track is None:
            _require_purpose(settings)
            track = sensor.live(settings)
        return sensor.watched(track)

    return open_source


def _always(source: Source[Any]) -> Callable[[], Source[Any]]:
    return lambda: source


def _require_purpose(settings: Settings) -> None:
    if settings.node.purpose == UNSTATED:
        raise SourceUnavailable(f"{NO_PURPOSE}; run: sudo affectd setup")


def _film(settings: Settings, replay: Replay) -> Source[Frame] | None:
    camera = settings.camera
    return None if replay.video is None else upright(replay.video, turn=camera.turn, mirror=camera.mirror)


def _microphone(settings: Settings) -> Source[AudioBlock]:
    return Microphone(name=settings.microphone.name)


SENSORS: Mapping[Modality, Sensor] = {
    Modality.FACE: Sensor(
        live=lambda settings: open_camera(settings.camera),
        recorded=_film,
        watched=lambda source: WatchedPictures(LatestOnly(source)),
        required=lambda settings: settings.camera.required,
    ),
    Modality.SPEECH: Sensor(
        live=_microphone,
        recorded=lambda _, replay: replay.audio,
        watched=lambda source: source,
        required=lambda settings: settings.microphone.required,
    ),
}
