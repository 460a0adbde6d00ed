"""What the server tells of the nodes it hears on MQTT.

Nodes are strangers: what one says is taken only where it has the contract's shape, and is named where it has not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from desktop_server.answer import Label, Part, Probs, Share

NodeState = Literal["online", "silent", "stopped", "offline", "unknown"]
"""``silent`` is a node that should be online and has not been heard for half a minute."""


class Heard(BaseModel):
    """A message, or a piece of one: what else is in it is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, str_max_length=200)


class HeardStatus(Heard):
    """Of the node (with ``boot_id``), or of its camera, microphone or models (with a reason)."""

    state: Literal["online", "stopped", "offline", "disabled", "degraded"]
    boot_id: str | None = None
    reason: str | None = None


class HeardModality(Heard):
    """What face or voice say."""

    present: bool
    quality: float | None = None
    weight: float = Share
    probs: Probs | None = None


class HeardModalities(Heard):
    """Both."""

    face: HeardModality
    speech: HeardModality


class HeardEstimate(Heard):
    """A node's `state`; its ``ts`` is the capture's, by the node's own clock. Probabilities are all 0 without any."""

    ts: str
    label: Label = Field(description="`unknown` while no sensor of its looks or listens, or none may be believed.")
    reason: str | None = Field(None, description="Why it is unknown.")
    confidence: float = Share
    valence: float = Field(ge=-1, le=1)
    arousal: float = Field(ge=-1, le=1)
    probs: Probs | None
    modalities: HeardModalities


class HeardHealth(Heard):
    """A node's `health`: null where its machine does not tell."""

    ts: str
    uptime_s: float | None = None
    memory_rss_bytes: int | None = Field(None, ge=0, le=2**50)
    load_1min: float | None = None
    soc_temperature_celsius: float | None = None
    undervoltage_now: bool | None = None
    throttled_now: bool | None = None
    clock_synced: bool | None = None
    frame_rate_hz: float | None = None
    dropped: dict[str, int] = Field({}, max_length=16)


class HeardModel(Heard):
    """A model by its card."""

    id: str
    sha256: str


class HeardInfo(Heard):
    """A node's `info`."""

    version: str
    machine: str
    runtime: str
    model_set: str
    models: list[HeardModel] = Field(max_length=16)


class FleetNode(Part):
    """One node. Times are by the server's clock; those of retained messages are not known.

    How its parts and its machine are is null unless it is online: what it said of them last outlives it at the broker.
    """

    name: str
    state: NodeState
    boot_id: str | None
    last_word_ts: str | None = Field(description="When it last said something itself, null: not since we listen.")
    estimate: HeardEstimate | None = Field(description="Null when there is none that still holds.")
    estimate_ts: str | None = Field(description="When the newest estimate came, whether it still holds or not.")
    camera: HeardStatus | None
    microphone: HeardStatus | None
    models: HeardStatus | None
    store: HeardStatus | None = Field(description="Whether a restart will find its events and its privacy switch.")
    privacy: bool | None = Field(description="True: its user has camera and microphone closed.")
    health: HeardHealth | None
    info: HeardInfo | None
    unreadable: list[str] = Field(description="Topics on which it says what the contract does not know.")


class Broker(Part):
    """Where the fleet is heard."""

    address: str
    is_default: bool = Field(description="Nobody has said that there is a broker: the address is the default.")
    connected: bool
    problem: str | None = Field(description="Why there is no connection, in a sentence.")


class FleetAnswer(Part):
    """To `/v1/fleet`, and each of its events."""

    schema_: Literal["affectd.fleet/1"] = Field(default="affectd.fleet/1", alias="schema")
    ts: str = Field(description="Now, by the server's clock: ages are differences to it.")
    broker: Broker | None = Field(description="Null where this server listens to none.")
    nodes: list[FleetNode]


Kind = TypeVar("Kind", bound=Heard)


def heard(kind: type[Kind], said: Mapping[str, Any]) -> Kind | None:
    """What was said as a ``kind``; ``None`` if nothing was, or nothing of that kind."""
    try:
        return kind.model_validate(said) if said else None
    except ValidationError:
        return None
