"""Schema of the fleet: the nodes that are known by MQTT, their messages as the contract has them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from desktop_server.schema.analysis import FrozenModel
from desktop_server.schema.contract import AsPublished
from device.publish import contract

SeenNodeState = Literal["online", "silent", "stopped", "offline", "unknown"]
"""``silent`` is a node that should be online and has not been heard for half a minute."""

_State = Annotated[contract.State, AsPublished]
_PartStatus = Annotated[contract.PartStatus, AsPublished]
_Health = Annotated[contract.Health, AsPublished]
_Info = Annotated[contract.Info, AsPublished]


class FleetNode(FrozenModel):
    """One node. Times are by the server's clock; those of retained messages are not known.

    How its parts and its machine are is null unless it is online: what it said of them last outlives it at the broker.
    """

    name: str
    state: SeenNodeState
    boot_id: str | None
    last_word_ts: str | None = Field(description="When it last said something itself, null: not since we listen.")
    estimate: _State | None = Field(description="Null when there is none that still holds.")
    estimate_ts: str | None = Field(description="When the newest estimate came, whether it still holds or not.")
    camera: _PartStatus | None
    microphone: _PartStatus | None
    models: _PartStatus | None
    store: _PartStatus | None = Field(description="Whether a restart will find its events and its privacy switch.")
    privacy: bool | None = Field(description="True: its user has camera and microphone closed.")
    health: _Health | None
    info: _Info | None
    unreadable: list[str] = Field(description="Topics on which it says what the contract does not know.")


class Broker(FrozenModel):
    """Where the fleet is heard."""

    address: str
    is_default: bool = Field(description="Nobody has said that there is a broker: the address is the default.")
    connected: bool
    problem: str | None = Field(description="Why there is no connection, in a sentence.")


class FleetResponse(FrozenModel):
    """To `/v1/fleet`, and each of its events."""

    schema_: Literal["affectd.fleet/1"] = Field(default="affectd.fleet/1", alias="schema")
    ts: str = Field(description="Now, by the server's clock: ages are differences to it.")
    broker: Broker | None = Field(description="Null where this server listens to none.")
    nodes: list[FleetNode]
