"""Settings: one TOML file, typed and frozen. Only the composition root sees it whole."""

from __future__ import annotations

import os
import re
import socket
import unicodedata
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from device.readings import Mode, RuleName

DEFAULT_CONFIG = Path("/etc/affectd/affectd.toml")
QuarterTurn = Literal[0, 90, 180, 270]
TURNS: tuple[QuarterTurn, ...] = get_args(QuarterTurn)
"""Degrees, clockwise, that a camera may be turned by."""
Runtime = Literal["ai-edge-litert", "tflite-runtime"]
RUNTIMES: tuple[Runtime, ...] = get_args(Runtime)
"""TFLite runtimes by the names of their packages, the first choice first."""
UNSTATED = "not-stated"
"""The purpose in the file that comes with the package: camera and microphone stay closed until it is stated."""

_Fraction = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(ge=0, le=3600)]
_NAME, PREFIX_PATTERN, _GROUP = (
    r"^[a-zA-Z0-9_-]{1,64}\Z", r"^[a-zA-Z0-9_-]{1,64}(/[a-zA-Z0-9_-]{1,64}){0,7}\Z", r"^[a-zA-Z0-9_-]{0,64}\Z"
)  # fmt: skip
IN_WORDS = {
    _NAME: "1 to 64 letters from a to z, digits, '_' or '-'",
    PREFIX_PATTERN: "1 to 8 names with '/' between them, each of 1 to 64 letters from a to z, digits, '_' or '-'",
    _GROUP: "at most 64 letters from a to z, digits, '_' or '-'",
}
"""What each pattern lets through."""
TopicPart = Annotated[str, Meta(pattern=_NAME)]
TopicPrefix = Annotated[str, Meta(pattern=PREFIX_PATTERN)]
GroupName = Annotated[str, Meta(pattern=_GROUP)]


class SettingsTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: an unknown key in it is an error."""


def _host_name() -> str:
    return as_name(socket.gethostname()) or "affectd"


def as_name(text: str) -> str:
    """The nearest text that can be part of a topic: accents go, and ``-`` stands for what else cannot be."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-zA-Z0-9_-]+", "-", plain).strip("-")[:64]


class NodeSettings(SettingsTable, frozen=True):
    """Who this appliance is."""

    id: Annotated[TopicPart, Meta(description="Name in topics and in Home Assistant; default: the host name.")] = (
        msgspec.field(default_factory=_host_name)
    )
    name: Annotated[
        str, Meta(max_length=64, description="Name that people read, such as Living Room; default: affectd and the id.")
    ] = ""
    area: Annotated[str, Meta(max_length=64, description="Room that Home Assistant proposes for it.")] = ""
    purpose: Annotated[
        Literal["", "not-stated", "home", "research", "assistive", "medical", "safety"],
        Meta(
            description="Why it is there; `not-stated` keeps camera and microphone closed. Work and school are "
            "missing: the EU forbids it there, save for medical or safety reasons (AI Act, Article 5(1)(f))."
        ),
    ] = ""
    mode: Annotated[Mode, Meta(description="What to read emotion from.")] = "both"
    state_dir: Annotated[
        str, Meta(description="Where the privacy switch and undelivered events are kept; default: systemd's, or ~/.")
    ] = ""


class CameraSettings(SettingsTable, frozen=True):
    """Where pictures come from."""

    source: Annotated[
        str,
        Meta(
            min_length=1,
            description='"pi" (camera module), a device path as `affectd devices` prints it, or an RTSP/HTTP address.',
        ),
    ] = "pi"
    width_px: Annotated[int, Meta(ge=64, le=4096)] = 640
    height_px: Annotated[int, Meta(ge=64, le=4096)] = 480
    turn: Annotated[
        QuarterTurn,
        Meta(description="Degrees by which pictures are turned clockwise, for a camera that does not hang upright."),
    ] = 0
    mirror: Annotated[bool, Meta(description="Swap left and right, after turning.")] = False
    rate_hz: Annotated[float, Meta(ge=0.2, le=60)] = 10.0
    required: Annotated[bool, Meta(description="Without it, stop instead of running on the other sensor.")] = False


class MicrophoneSettings(SettingsTable, frozen=True):
    """Where sound comes from."""

    name: Annotated[
        str, Meta(description='Name or part of it as `affectd devices` prints it; "" is the system\'s default.')
    ] = ""
    required: Annotated[bool, Meta(description="Without it, stop instead of running on the other sensor.")] = False


class ReplaySettings(SettingsTable, frozen=True):
    """Files instead of a camera and a microphone."""

    media: Annotated[tuple[str, ...], Meta(description="Videos, pictures, folders of pictures, or sound files.")] = ()
    audio: Annotated[str, Meta(description="Sound that replaces the videos' own.")] = ""
    loop: bool = False


class ModelsSettings(SettingsTable, frozen=True):
    """Which models read the emotion."""

    set: Annotated[str, Meta(description="A model set of `affectd models list`; empty: the default.")] = ""
    dir: Annotated[str, Meta(description="Folder of the models; empty: the installed one.")] = ""
    runtime: Annotated[
        Literal["", Runtime],
        Meta(description="What runs them; empty: the one that is installed, ai-edge-litert before tflite-runtime."),
    ] = ""


class FusionSettings(SettingsTable, frozen=True):
    """How face and voice become one estimate."""

    rule: Annotated[
        Literal["", RuleName],
        Meta(description="How the two are combined; empty: as the model set does best."),
    ] = ""
    uncertain_below: Annotated[_Fraction, Meta(description="A best emotion below this is said as `uncertain`.")] = 0.4
    smooth_s: Annotated[Seconds, Meta(description="Time constant of the smoothing.")] = 0.5
    hold_s: Annotated[
        Seconds, Meta(description="For so long a label outlasts its lead, or its fall below `uncertain_below`.")
    ] = 0.5
    face_fresh_s: Annotated[Seconds, Meta(description="How long a face reading stands for the present.")] = 1.0
    speech_fresh_s: Annotated[Seconds, Meta(description="How long a speech reading stands for the present.")] = 2.0


class MqttSettings(SettingsTable, frozen=True):
    """The broker, and what is told to it."""

    host: str = "localhost"
    port: Annotated[int, Meta(ge=1, le=65535)] = 1883
    protocol: Annotated[Literal["5", "3.1.1"], Meta(description="MQTT version.")] = "5"
    username: str = ""
    password_file: Annotated[
        str, Meta(description="File with the password alone; default: systemd's credential `mqtt-password`.")
    ] = ""
    tls: bool = False
    ca_file: Annotated[str, Meta(description="CA certificates (PEM); empty: the system's.")] = ""
    cert_file: Annotated[str, Meta(description="Our own certificate (PEM), if the broker asks for one.")] = ""
    key_file: Annotated[str, Meta(description="Its key (PEM).")] = ""
    prefix: TopicPrefix = "affectd"
    state_qos: Literal[0, 1] = 0
    heartbeat_s: Annotated[float, Meta(ge=1, le=600, description="`state` is sent at least this often.")] = 10.0
    health_s: Annotated[float, Meta(ge=1, le=3600, description="`health` is sent this often.")] = 60.0
    home_assistant: Annotated[bool, Meta(description="Announce the node to Home Assistant.")] = True
    discovery_prefix: TopicPrefix = "homeassistant"


class HomeAssistantSettings(SettingsTable, frozen=True):
    """What its entities show: every change is a row of its history for ever, so they change less than `state`."""

    min_interval_s: Annotated[
        float,
        Meta(ge=0, le=600, description="Emotion and confidence say what most of this time was, and change as seldom."),
    ] = 60.0
    off_delay_s: Annotated[
        float, Meta(ge=0, le=3600, description="A face or a voice counts as present for so long after it was there.")
    ] = 60.0


class LogSettings(SettingsTable, frozen=True):
    """What goes to the journal."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(SettingsTable, frozen=True):
    """Everything a user may set. Every key has a default; an empty file is a valid one."""

    node: NodeSettings = NodeSettings()
    camera: CameraSettings = CameraSettings()
    microphone: MicrophoneSettings = MicrophoneSettings()
    replay: ReplaySettings = ReplaySettings()
    models: ModelsSettings = ModelsSettings()
    fusion: FusionSettings = FusionSettings()
    mqtt: MqttSettings = MqttSettings()
    home_assistant: HomeAssistantSettings = HomeAssistantSettings()
    log: LogSettings = LogSettings()


def state_dir(settings: Settings) -> Path:
    """Where the node keeps its state: the setting, systemd's ``STATE_DIRECTORY``, or the user's own folder."""
    chosen = settings.node.state_dir or os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    return Path(chosen) if chosen else Path.home() / ".local" / "state" / "affectd"
