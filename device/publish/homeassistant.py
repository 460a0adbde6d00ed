"""Home Assistant discovery: one retained message for the whole device."""

from __future__ import annotations

from dataclasses import dataclass

from device.publish import topics as table
from device.publish.components import Components, Sense, available
from device.publish.contract import Json
from device.publish.topics import Topics

_EXPIRE_BEATS = 3
"""Missed heartbeats after which an entity counts as unavailable: a stuck process never triggers its last will."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """Equipment of the node. An entity of anything else would stay unknown for ever, or refuse when it is pressed."""

    senses: tuple[Sense, ...]
    temperature: bool = True
    throttling: bool = True
    restart: bool = True


@dataclass(frozen=True, slots=True)
class Device:
    """Device names that people read; an empty ``name`` stands for affectd and the node's id."""

    version: str
    name: str = ""
    area: str = ""
    hardware: str = ""


def discovery(
    topics: Topics,
    device: Device,
    *,
    has: Equipment,
    heartbeat_s: float = 10.0,
    health_period_s: float = 60.0,
) -> Json:
    """The payload of the discovery topic. The periods are those of the entities' states and of ``health``.

    What the node has not is named with its platform alone: that removes what an earlier setting has announced.
    """
    components = Components(topics, round(_EXPIRE_BEATS * heartbeat_s), round(_EXPIRE_BEATS * health_period_s))
    return {
        "device": {
            "identifiers": [f"affectd_{topics.node}"],
            "name": device.name or f"affectd {topics.node}",
            "manufacturer": "affectd",
            "model": "Emotion from face and voice",
            "sw_version": device.version,
            **({"hw_version": device.hardware} if device.hardware else {}),
            **({"suggested_area": device.area} if device.area else {}),
        },
        "origin": {"name": "affectd", "sw_version": device.version},
        "availability_mode": "all",
        "availability": [available(topics, table.STATUS)],
        "components": {
            **components.estimate(),
            **components.triggers(),
            **{key: part for sense in has.senses for key, part in _if(sense.is_here, components.sense(sense)).items()},
            **components.controls(),
            **_if(has.restart, components.restart()),
            **_if(has.throttling, components.throttling()),
            **_if(has.temperature, components.temperature()),
            **components.diagnostics(),
        },
    }


def _if(has: bool, components: Json) -> Json:
    return components if has else {key: {"platform": part["platform"]} for key, part in components.items()}
