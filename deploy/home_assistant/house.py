"""A broker, a real Home Assistant with our automations, and a node that tells what it is made to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from broker import Listener, Mosquitto, eventually_while
from core import HomeAssistant, home_assistant
from estimates import estimate
from made_node import node

from device.publish.homeassistant import Device
from device.publish.node import NodeSink
from device.publish.topics import Topics

WAIT_S = 60.0
ROOM = Device("0.1.0", name="Living Room", area="Living Room")
LAMP = "homeassistant/light/lamp/config"
LAMP_CONFIG = {
    "name": "Lamp",
    "unique_id": "lamp",
    "command_topic": "lamp/set",
    "brightness": True,
    "schema": "json",
}
CLOCK_S = 60
"""From the start, so long after all else was tried."""


def blueprint(name: str, **given: Any) -> dict[str, Any]:
    """An automation of one of our blueprints."""
    return {"id": name, "alias": name, "use_blueprint": {"path": f"affectd/{name}.yaml", "input": given}}


def automations() -> list[dict[str, Any]]:
    """Of each of our blueprints one, as a user would fill it in."""
    close = datetime.now(UTC) + timedelta(seconds=CLOCK_S)
    return [
        blueprint("dim_light_when_sad", emotion="sensor.living_room_emotion", light="light.lamp", seconds=1),
        blueprint(
            "angry_voice_unseen",
            emotion="sensor.living_room_emotion",
            face="binary_sensor.living_room_face_present",
            voice="binary_sensor.living_room_speech_present",
            actions=[{"action": "input_boolean.turn_on", "target": {"entity_id": "input_boolean.told"}}],
        ),
        blueprint(
            "privacy_by_the_clock",
            privacy="switch.living_room_privacy",
            close_at=f"{close:%H:%M:%S}",
            open_at=f"{close - timedelta(hours=12):%H:%M:%S}",
        ),
    ]


@dataclass
class House:
    """A broker, a node that tells what it is made to, and Home Assistant."""

    core: HomeAssistant
    broker: Mosquitto
    sink: NodeSink
    others: Listener
    privacy: list[bool]
    now_s: float = 0.0

    def until(self, label: str, is_so: Callable[[], bool], *, face: bool = True, speech: bool = False) -> None:
        """The node tells of this label, ten times a second of its own time, until this is so."""

        def tell() -> None:
            self.now_s += 0.1
            self.sink.publish(estimate(self.now_s, label, face=face, speech=speech))
            self.sink.poll()

        eventually_while(tell, is_so, WAIT_S)

    def shows(self, entity: str, state: str) -> Callable[[], bool]:
        """Whether an entity has this state."""
        return lambda: self.core.state(entity) == state

    def lamp(self) -> list[Any]:
        """What the lamp was told."""
        return self.others.json("lamp/set")


@contextmanager
def furnished(folder: Path) -> Iterator[House]:
    """The house, with a lamp that speaks MQTT and a living room with a node in it."""
    privacy: list[bool] = []
    (folder / "config").mkdir()
    with (
        Mosquitto(folder) as broker,
        home_assistant(folder / "config", automations()) as core,
        Listener(broker.port) as others,
        node(broker, folder, topics=Topics("living-room"), device=ROOM, set_privacy=privacy.append) as sink,
    ):
        others.say(LAMP, json.dumps(LAMP_CONFIG), retain=True)
        core.add_mqtt(broker.port)
        yield House(core, broker, sink, others, privacy)
