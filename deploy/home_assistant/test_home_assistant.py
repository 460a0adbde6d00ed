"""docs/home-assistant.md from the broker to the automations, in a real Home Assistant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from broker import eventually_while
from fakes import eventually
from house import WAIT_S, House, furnished
from made_node import node

from device.publish.homeassistant import Device
from device.publish.topics import Topics


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with furnished(tmp_path_factory.mktemp("house")) as here:
        yield here


def test_the_device_appears_with_its_entities_and_what_they_show(house: House) -> None:
    house.until("happy", house.shows("sensor.living_room_emotion", "happy"))
    house.until("happy", house.shows("binary_sensor.living_room_face_present", "on"))
    assert house.core.state("sensor.living_room_confidence") == "80"
    assert house.core.state("switch.living_room_privacy") == "off"
    assert house.core.state("sensor.living_room_camera") == "online"
    options = house.core.whole("sensor.living_room_emotion")["attributes"]["options"]
    assert {"happy", "uncertain", "nobody"} <= set(options)
    assert "unavailable" not in [house.core.state(e) for e in house.core.entities() if "living_room" in e]


def test_sad_for_a_while_dims_the_lamp_until_it_is_over(house: House) -> None:
    house.core.call("light", "turn_on", entity_id="light.lamp", brightness_pct=100)
    eventually(lambda: house.lamp()[-1:] == [{"state": "ON", "brightness": 255}], WAIT_S)
    house.until("sad", lambda: house.lamp()[-1].get("brightness") == 76)
    house.until("neutral", lambda: house.lamp()[-1].get("brightness") == 255)


def test_an_angry_voice_without_a_face_is_told_of(house: House) -> None:
    house.until("neutral", house.shows("binary_sensor.living_room_face_present", "off"), face=False, speech=True)
    assert house.core.state("input_boolean.told") == "off"
    house.until("angry", house.shows("input_boolean.told", "on"), face=False, speech=True)


def test_the_switch_closes_and_opens_and_the_clock_closes(house: House) -> None:
    house.core.call("switch", "turn_on", entity_id="switch.living_room_privacy")
    house.until("neutral", lambda: house.privacy == [True])
    house.core.call("switch", "turn_off", entity_id="switch.living_room_privacy")
    house.until("neutral", lambda: house.privacy == [True, False])
    house.until("neutral", lambda: house.privacy == [True, False, True])


def test_a_node_that_ends_is_unavailable(house: House, tmp_path: Path) -> None:
    with node(house.broker, tmp_path, topics=Topics("attic"), device=Device("0.1.0", name="Attic")) as attic:
        eventually_while(attic.poll, house.shows("sensor.attic_camera", "online"), WAIT_S)
    eventually(house.shows("sensor.attic_camera", "unavailable"), WAIT_S)
