"""The message contract: what a node publishes, one type a message, in the order of its fields on the wire.

``Payloads`` fills these; ``decode``, ``device.watch`` and the server's fleet read them; docs/asyncapi.yaml is made of
them. Who reads leaves out what is unknown, and a field that came later has a default, so that nodes of other versions
can be read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from device.readings import EMOTIONS, Emotion, Label, Modality, RuleName

Json = dict[str, Any]

StateSchema = Literal["affectd.state/1"]
STATE_SCHEMA: StateSchema = "affectd.state/1"
EVENT_SCHEMA = "affectd.event/1"
HEALTH_SCHEMA = "affectd.health/1"
INFO_SCHEMA = "affectd.info/1"

Time = Annotated[
    str,
    Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", description="RFC 3339, UTC, to the millisecond."),
]
Fraction = Annotated[float, Meta(ge=0, le=1, description="0…1, rounded to 4 digits.")]
Sign = Annotated[float, Meta(ge=-1, le=1, description="-1…1, rounded to 4 digits.")]
Tenths = Annotated[
    float,
    Meta(
        ge=-1,
        le=1,
        description="-1…1 in steps of 0.1; the mean of the last minute, which changes at most once a minute.",
    ),
]
Synced = Annotated[
    bool | None, Meta(description="Whether the clock that dates this is set by a time server; null if unknown.")
]
Count = Annotated[int, Meta(ge=0)]
Amount = Annotated[float, Meta(ge=0)]
Counters = dict[str, Count]
PartState = Literal["online", "offline", "disabled", "degraded"]
NodeState = Literal["online", "stopped", "offline"]
NodeName = Annotated[str, Meta(pattern="^[a-zA-Z0-9_-]{1,64}$")]
BootId = Annotated[str, Meta(description="One life of the process.")]
_Probs = Annotated[
    dict[Emotion, Fraction],
    Meta(
        description="A probability an emotion; they sum to 1. All are 0 where nothing was read.",
        extra_json_schema={
            "required": [*map(str, EMOTIONS)],
            "propertyNames": {"enum": [*map(str, EMOTIONS)]},
        },
    ),
]


class Payload(msgspec.Struct, frozen=True):
    """A payload or a part of one; it goes out with every field."""


def _require_every_emotion(probs: Mapping[Emotion, float]) -> None:
    if len(probs) != len(EMOTIONS):
        raise ValueError(f"probs of {len(probs)} emotions, not of {len(EMOTIONS)}")


class ModalityPart(Payload, frozen=True):
    """One modality's part in a state, and how much it counted."""

    present: bool
    age_ms: float | None
    quality: Annotated[
        Fraction | None,
        Meta(
            description="How far the reading can be relied on. Of a face: how large, sharp and well lit it is. Of a "
            "voice: how far it stands above the noise, times how much of the band up to 6 kHz its line lets through (a "
            "telephone's is about 0.6 at most)."
        ),
    ]
    weight: Fraction
    probs: _Probs

    def __post_init__(self) -> None:
        _require_every_emotion(self.probs)


class FusionPart(Payload, frozen=True):
    """Parameters that the label was chosen by."""

    rule: RuleName
    uncertain_below: Annotated[Fraction | None, Meta(description="A best emotion below is `uncertain`.")] = None
    hold_s: Annotated[Amount | None, Meta(description="For so long a label outlasts its lead.")] = None


class Latency(Payload, frozen=True):
    """From the sensor to the message; null in media time."""

    capture_to_publish: Amount | None


class State(Payload, frozen=True, kw_only=True, tag_field="schema", tag=STATE_SCHEMA):
    """The fused estimate at one moment."""

    node: NodeName
    boot_id: BootId
    seq: Annotated[int, Meta(ge=1, description="Counts states of one boot; a gap is a lost message.")]
    ts: Annotated[Time, Meta(description="When the picture or sound was captured.")]
    mono_ns: Annotated[int, Meta(description="The capture's monotonic time on the node.")]
    clock_synced: Synced
    label: Annotated[
        Label,
        Meta(
            description="`uncertain`: the best is below `fusion.uncertain_below`; `nobody`: looked and listened, and "
            "found none; `unknown`: no sensor looks or listens, or none may be believed. A label falls `fusion.hold_s` "
            "after it lost the lead or fell below the threshold, whoever has led since."
        ),
    ]
    reason: Annotated[
        str | None,
        Meta(
            description="Why the label is `unknown`: `privacy`, `starting`, `camera lost`, … in words; null with any "
            "other label."
        ),
    ] = None
    confidence: Fraction
    valence: Sign
    arousal: Sign
    probs: _Probs
    modalities: Annotated[
        dict[str, ModalityPart], Meta(extra_json_schema={"propertyNames": {"enum": [*map(str, Modality)]}})
    ]
    """By the name of a ``Modality``. One that this version does not know is left out, so that its message is read."""
    fusion: FusionPart
    latency_ms: Latency
    model_set: str

    def __post_init__(self) -> None:
        _require_every_emotion(self.probs)
        for name in self.modalities.keys() - set(Modality):
            del self.modalities[name]


class Event(Payload, frozen=True, kw_only=True, tag_field="schema", tag=EVENT_SCHEMA):
    """One thing that happened to an emotion's episode."""

    node: NodeName
    boot_id: BootId
    ts: Time
    mono_ns: int
    clock_synced: Synced
    kind: Literal["start", "update", "end"]
    id: Annotated[str, Meta(description="The same from start to end; never used again.")]
    label: Emotion
    started_ts: Time
    duration_s: Amount
    confidence: Fraction
    peak_confidence: Fraction
    mean_confidence: Fraction
    reason: Annotated[
        Literal["restart"] | None,
        Meta(description="Of an `end` whose process died: the next start sent it. Otherwise null."),
    ] = None
    backfilled: Annotated[bool, Meta(description="Delivered later than it happened.")]


class Status(Payload, frozen=True):
    """The node's own status."""

    state: NodeState
    boot_id: Annotated[str, Meta(description="Ignore an `offline` of another boot than the last `online`.")]
    ts: Annotated[Time, Meta(description="Of a last will, when it was left with the broker.")]


class PartStatus(Payload, frozen=True, kw_only=True):
    """The status of camera, microphone, models or store."""

    state: Annotated[
        PartState,
        Meta(
            description="`online`: from its first picture or sound on; `disabled`: closed by the privacy switch, or "
            "not used. The store is online or degraded."
        ),
    ]
    reason: str | None
    blind: Annotated[
        bool,
        Meta(description="Signals come, but what they show is not believed: a frozen or black picture."),
    ] = False
    ts: Time


class Health(Payload, frozen=True, tag_field="schema", tag=HEALTH_SCHEMA):
    """Health of the appliance; null where its machine does not tell."""

    node: NodeName
    boot_id: BootId
    ts: Time
    clock_synced: Synced
    uptime_s: Amount
    memory_rss_bytes: Count
    memory_peak_bytes: Count
    load_1min: Amount
    soc_temperature_celsius: float | None
    undervoltage_now: bool | None
    throttled_now: bool | None
    undervoltage_occurred: bool | None
    throttled_occurred: bool | None
    frame_rate_hz: Amount | None
    dropped: Counters
    queued: Counters
    restarts: Counters


class ModelId(Payload, frozen=True):
    """A model by its card."""

    id: str
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Info(Payload, frozen=True, tag_field="schema", tag=INFO_SCHEMA):
    """Versions and models of the node."""

    node: NodeName
    boot_id: BootId
    ts: Time
    version: str
    python: str
    machine: str
    runtime: str
    state_schema: StateSchema
    model_set: str
    models: list[ModelId]
    capabilities: list[str]


class EntityStates(Payload, frozen=True):
    """States of Home Assistant's entities: their templates read them."""

    label: Label
    confidence_percent: Annotated[int, Meta(ge=0, le=100, multiple_of=5)]
    face: Annotated[bool, Meta(description="A face is present.")]
    speech: Annotated[bool, Meta(description="A voice is present.")]
    valence: Tenths
    arousal: Tenths


class Request(msgspec.Struct, frozen=True):
    """A request; its verb is in the topic."""

    transaction: Annotated[
        str | int | None, Meta(description="Comes back in the response.", extra_json_schema={"maxLength": 128})
    ] = None


class Response(Payload, frozen=True):
    """The response to a request."""

    transaction: str | int | None
    status: Literal["ok", "error"]
    data: Annotated[
        Json | None,
        Meta(description="Of `self-test`, what was found of each part, also with an error."),
    ]
    error: Annotated[str | None, Meta(description="One sentence for a person.")]


def as_json(payload: Payload) -> Json:
    """The payload as plain values, in the order of its fields."""
    plain: Json = msgspec.to_builtins(payload)
    return plain


def encode(payload: Payload | Mapping[str, Any]) -> bytes:
    """Compact JSON in ASCII. Raises ``ValueError`` for NaN and infinity, which JSON does not have."""
    plain = as_json(payload) if isinstance(payload, Payload) else payload
    return json.dumps(plain, separators=(",", ":"), allow_nan=False).encode("ascii")
