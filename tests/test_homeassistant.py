"""Home Assistant's rules for device discovery, as its MQTT integration (schemas.py, sensor.py, …) states them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from equipment import EVERYTHING, FACE_SENSE, SPEECH_SENSE
from estimates import estimate
from jinja2 import Environment, StrictUndefined
from jsonschema import Draft202012Validator

from device.monitoring.health import NodeHealth, SystemProbe
from device.publish.contract import Json, as_json, encode
from device.publish.downsample import Downsampler
from device.publish.episodes import Episodes
from device.publish.homeassistant import Device, Equipment, discovery
from device.publish.payload import MediaClock, Payloads
from device.publish.requests import Unsound, answer
from device.publish.topics import PART_TOPICS, TABLE, Topics
from device.readings import EMOTIONS, NOBODY, UNCERTAIN

TEXT = {"type": "string"}
TEMPLATE = {"type": "string", "pattern": r"\{\{.+\}\}"}
SUBSCRIBE = {"type": "string", "pattern": r"^[^\x00-\x1f\x7f]+$"}
PUBLISH = {"type": "string", "pattern": r"^[^+#\x00-\x1f\x7f]+$"}
COUNT = {"type": "integer", "minimum": 0}
ICON = {"type": "string", "pattern": "^mdi:[a-z0-9-]+$"}

AVAILABILITY = {
    "availability_mode": {"enum": ["all", "any", "latest"]},
    "availability": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["topic"],
            "additionalProperties": False,
            "properties": {
                "topic": SUBSCRIBE,
                "payload_available": TEXT,
                "payload_not_available": TEXT,
                "value_template": TEMPLATE,
            },
        },
    },
}
COMMON = {
    **AVAILABILITY,
    "unique_id": TEXT,
    "name": {"type": ["string", "null"]},
    "enabled_by_default": {"type": "boolean"},
    "icon": ICON,
    "json_attributes_topic": SUBSCRIBE,
    "json_attributes_template": TEMPLATE,
    "default_entity_id": TEXT,
    "qos": {"enum": [0, 1, 2]},
    "encoding": TEXT,
}
READING = {"state_topic": SUBSCRIBE, "value_template": TEMPLATE}
DIAGNOSTIC = {"entity_category": {"const": "diagnostic"}}  # what reads may not be of the category "config"
ANY_CATEGORY = {"entity_category": {"enum": ["config", "diagnostic"]}}


def platform(name: str, required: list[str], *properties: Json, rules: list[Json] | None = None) -> Json:
    known: Json = {"platform": {"const": name}}
    for part in properties:
        known |= part
    return {
        "if": {"properties": {"platform": {"const": name}}},
        "then": {"required": required, "additionalProperties": False, "properties": known, "allOf": rules or [{}]},
    }


SENSOR_RULES: list[Json] = [
    {  # a list of options is for an enumeration, which has no unit and no statistics
        "if": {"required": ["options"]},
        "then": {
            "required": ["device_class"],
            "properties": {"device_class": {"const": "enum"}, "state_class": False, "unit_of_measurement": False},
        },
    },
    {
        "if": {"properties": {"device_class": {"const": "temperature"}}, "required": ["device_class"]},
        "then": {
            "required": ["unit_of_measurement"],
            "properties": {"unit_of_measurement": {"enum": ["°C", "°F", "K"]}},
        },
    },
]
GONE: Json = {"type": "object", "required": ["platform"], "maxProperties": 1}  # its platform alone removes a component
PLATFORMS = [
    platform(
        "event", ["state_topic", "event_types"], COMMON, READING,
        {
            "event_types": {"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True},
            "device_class": {"enum": ["button", "doorbell", "motion"]},
        },
    ),
    platform(
        "sensor", ["state_topic"], COMMON, READING, DIAGNOSTIC,
        {
            "device_class": {"enum": ["enum", "temperature", "frequency", "duration", "timestamp", "data_size"]},
            "state_class": {"enum": ["measurement", "total", "total_increasing"]},
            "unit_of_measurement": TEXT,
            "options": {"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True},
            "expire_after": COUNT,
            "force_update": {"type": "boolean"},
            "suggested_display_precision": COUNT,
        },
        rules=SENSOR_RULES,
    ),
    platform(
        "binary_sensor", ["state_topic"], COMMON, READING, DIAGNOSTIC,
        {
            "device_class": {"enum": ["problem", "occupancy", "presence", "sound", "connectivity", "running"]},
            "expire_after": COUNT, "off_delay": COUNT, "payload_on": TEXT, "payload_off": TEXT,
        },
    ),
    platform(
        "switch", ["command_topic"], COMMON, READING, ANY_CATEGORY,
        {
            "command_topic": PUBLISH, "payload_on": TEXT, "payload_off": TEXT, "state_on": TEXT, "state_off": TEXT,
            "optimistic": {"type": "boolean"}, "retain": {"type": "boolean"},
            "device_class": {"enum": ["outlet", "switch"]},
        },
    ),
    platform(
        "button", ["command_topic"], COMMON, ANY_CATEGORY,
        {
            "command_topic": PUBLISH, "command_template": TEMPLATE, "payload_press": TEXT,
            "device_class": {"enum": ["identify", "restart", "update"]}, "retain": {"type": "boolean"},
        },
    ),
]  # fmt: skip
SCHEMA: Json = {
    "type": "object",
    "required": ["device", "origin", "components"],
    "additionalProperties": False,
    "properties": {
        **AVAILABILITY,
        "qos": {"enum": [0, 1, 2]},
        "encoding": TEXT,
        "device": {
            "type": "object",
            "required": ["identifiers"],
            "additionalProperties": False,
            "properties": {
                "identifiers": {"type": "array", "items": TEXT, "minItems": 1},
                **dict.fromkeys(
                    ("name", "manufacturer", "model", "model_id", "sw_version", "hw_version", "suggested_area"), TEXT
                ),
                "configuration_url": {"type": "string", "pattern": "^(https?|homeassistant)://"},
            },
        },
        "origin": {
            "type": "object",
            "required": ["name"],
            "additionalProperties": False,
            "properties": {"name": TEXT, "sw_version": TEXT, "support_url": TEXT},
        },
        "components": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {"platform": {"enum": ["sensor", "binary_sensor", "switch", "button", "event"]}},
                "if": GONE,
                "else": {"required": ["platform", "unique_id"], "allOf": PLATFORMS},
            },
        },
    },
}

TOPICS = Topics("kitchen", prefix="home/affectd")


CAMERA_ONLY_PC = Equipment(
    (FACE_SENSE, replace(SPEECH_SENSE, is_here=False)), temperature=False, throttling=False, restart=False
)
MICROPHONE_ONLY = Equipment((replace(FACE_SENSE, is_here=False), SPEECH_SENSE))
INFO = "home/affectd/kitchen/info"


def message(has: Equipment = EVERYTHING) -> Json:
    return discovery(TOPICS, Device("0.1.0"), has=has)


def payloads_by_topic(
    *, label: str = "happy", temperature: float | None = 51.25, undervoltage: bool | None = False, part: str = "online"
) -> dict[str, Any]:
    """A real payload of each topic that is not a bare word."""
    payloads = Payloads(node="kitchen", boot_id="b", model_set="baseline", clock=MediaClock())
    machine = replace(
        SystemProbe().read(),
        soc_temperature_celsius=temperature,
        undervoltage_now=undervoltage,
        throttled_now=undervoltage,
    )
    states = Downsampler(min_interval_s=60, off_delay_s=60).step(estimate(0, label, 0.63, speech=True))
    by_topic = {
        "homeassistant": as_json(states),
        "health": as_json(payloads.health(NodeHealth(machine, 9.94, {}, {}, {}))),
        "info": as_json(payloads.info(version="0.1.0", models={}, runtime="r", capabilities=[])),
        "status": as_json(payloads.status("online")),
        "response/self-test": as_json(answer("self-test", b"{}", {"self-test": lambda _: {"models": "face, speech"}})),
        **{f"status/{name}": as_json(payloads.part(part, "unplugged")) for name in PART_TOPICS},
    }
    return {f"home/affectd/kitchen/{topic}": json.loads(encode(payload)) for topic, payload in by_topic.items()}


def rendered(template: str, payload: Any) -> str:
    """As Home Assistant does; what is missing in a payload is an error here."""
    return Environment(undefined=StrictUndefined).from_string(template).render(value_json=payload, value=payload)


def shown(payloads: dict[str, Any], has: Equipment = EVERYTHING) -> dict[str, str]:
    """The state of each entity, or `unavailable`."""
    announced = message(has)
    states = {}
    for key, component in announced["components"].items():
        topic = component.get("state_topic")
        if topic not in payloads:
            continue
        available = all(
            rendered(one["value_template"], payloads[one["topic"]]) == "online"
            for one in component.get("availability", announced["availability"])
        )
        states[key] = rendered(component["value_template"], payloads[topic]) if available else "unavailable"
    return states


@pytest.mark.parametrize("has", [EVERYTHING, CAMERA_ONLY_PC, MICROPHONE_ONLY])
def test_the_message_keeps_home_assistants_rules(has: Equipment) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(message(has))


@pytest.mark.parametrize(
    ("component", "change"),
    [
        ("emotion", {"unit_of_measurement": "%"}),
        ("emotion", {"entity_category": "config"}),
        ("temperature", {"unit_of_measurement": "degrees"}),
        ("privacy", {"expire_after": 30}),
        ("restart", {"command_topic": "affectd/+/restart"}),
        ("camera_status", {"misspelt": 1}),
        ("episode", {"event_types": []}),
    ],
)
def test_the_rules_find_what_home_assistant_would_refuse(component: str, change: Json) -> None:
    wrong = message()
    wrong["components"][component] |= change
    assert not Draft202012Validator(SCHEMA).is_valid(wrong)


def announced(has: Equipment) -> set[str]:
    return {key for key, component in message(has)["components"].items() if len(component) > 1}


ALWAYS = {
    "emotion", "confidence", "valence", "arousal", "episode", "privacy", "self_test", "self_test_result", "started",
    "version", "model_set", "memory",
}  # fmt: skip
FACE = {"face_present", "camera_status", "frame_rate"}
SPEECH = {"speech_present", "microphone_status"}


@pytest.mark.parametrize(
    ("has", "entities"),
    [
        (EVERYTHING, ALWAYS | FACE | SPEECH | {"temperature", "undervoltage", "throttled", "restart"}),
        (CAMERA_ONLY_PC, ALWAYS | FACE),
        (MICROPHONE_ONLY, ALWAYS | SPEECH | {"temperature", "undervoltage", "throttled", "restart"}),
    ],
)
def test_only_what_the_node_has_is_announced_and_the_rest_removed(has: Equipment, entities: set[str]) -> None:
    assert announced(has) == entities
    assert message(has)["components"].keys() == announced(EVERYTHING)


def test_people_read_the_name_and_the_room_and_see_the_board() -> None:
    named = Device("0.1.0", name="Wohnzimmer 📺", area="Wohnzimmer", hardware="Raspberry Pi 4 Model B Rev 1.5")
    announcement = discovery(TOPICS, named, has=EVERYTHING)
    Draft202012Validator(SCHEMA).validate(announcement)
    assert announcement["device"] == {
        "identifiers": ["affectd_kitchen"], "name": "Wohnzimmer 📺", "manufacturer": "affectd",
        "model": "Emotion from face and voice", "sw_version": "0.1.0", "hw_version": "Raspberry Pi 4 Model B Rev 1.5",
        "suggested_area": "Wohnzimmer",
    }  # fmt: skip
    assert json.loads(encode(announcement)) == announcement
    assert len(encode(announcement)) < 16 * 1024
    assert message()["device"]["name"] == "affectd kitchen"


def test_what_changes_all_the_time_has_to_be_enabled() -> None:
    quiet = {key for key, one in message()["components"].items() if one.get("enabled_by_default") is False}
    assert quiet == {
        "valence", "arousal", "episode", "temperature", "frame_rate", "version", "model_set", "memory",
    }  # fmt: skip


def test_two_nodes_in_one_house_have_no_id_in_common() -> None:
    ids = [
        component["unique_id"]
        for node in ("kitchen", "hall")
        for component in discovery(Topics(node), Device("0.1.0"), has=EVERYTHING)["components"].values()
    ]
    assert len(set(ids)) == len(ids)


def test_every_topic_is_one_of_the_contract() -> None:
    known = {TOPICS.address(t, verb) for t in TABLE for verb in ("restart", "self-test")}
    named = [v for part in _objects(message()) for k, v in part.items() if k.endswith("topic")]
    assert len(named) > 15
    assert set(named) <= known


def test_every_entity_shows_what_the_node_states() -> None:
    payloads = payloads_by_topic()
    assert shown(payloads) == {
        "emotion": "happy", "confidence": "65", "face_present": "ON", "speech_present": "ON",
        "camera_status": "online", "microphone_status": "online", "frame_rate": "9.94", "undervoltage": "OFF",
        "throttled": "OFF", "valence": "0.5", "arousal": "0.2", "model_set": "baseline",
        "memory": str(payloads["home/affectd/kitchen/health"]["memory_rss_bytes"]),
        "temperature": "51.25", "self_test_result": "passed", "started": payloads[INFO]["ts"],
        "version": "0.1.0",
    }  # fmt: skip


@pytest.mark.parametrize("label", [*map(str, EMOTIONS), UNCERTAIN, NOBODY])
def test_every_label_is_one_of_the_options(label: str) -> None:
    states = shown(payloads_by_topic(label=label))
    assert states["emotion"] == label
    assert label in message()["components"]["emotion"]["options"]


def test_while_nothing_is_looked_at_there_is_no_emotion_and_none_waits_to_come_back() -> None:
    payloads = payloads_by_topic(label="unknown", part="disabled")
    states = shown(payloads)
    assert {states[key] for key in ("emotion", "confidence", "face_present", "speech_present")} == {"unavailable"}
    assert states["camera_status"] == states["microphone_status"] == "disabled"
    blind = replace(estimate(0, NOBODY), label="unknown")
    states_topic = message()["components"]["emotion"]["state_topic"]
    payload = Downsampler(min_interval_s=60, off_delay_s=60).step(blind)
    for key, component in message()["components"].items():
        if component.get("state_topic") == states_topic:  # "off" for a moment would say that somebody has gone
            assert rendered(component["value_template"], payload) == "None", key


def test_a_blind_camera_beside_a_microphone_that_receives_does_not_state_that_somebody_has_gone() -> None:
    payloads = payloads_by_topic(part="degraded")
    camera = next(topic for topic in payloads if topic.endswith("status/camera"))
    assert shown(payloads)["face_present"] == "ON"  # degraded, but it sees: a part of the signals is lost
    payloads[camera]["blind"] = True
    states = shown(payloads)
    assert (states["face_present"], states["speech_present"], states["emotion"]) == ("unavailable", "ON", "happy")
    assert states["camera_status"] == "degraded"


def test_what_the_machine_does_not_report_for_a_moment_is_unknown() -> None:
    states = shown(payloads_by_topic(temperature=None, undervoltage=None))
    assert (states["temperature"], states["undervoltage"]) == ("None", "None")


def test_a_sensor_that_is_lost_gives_the_reason() -> None:
    payloads = payloads_by_topic(part="offline")
    camera = message()["components"]["camera_status"]
    assert shown(payloads)["camera_status"] == "offline"
    attributes = rendered(camera["json_attributes_template"], payloads[camera["json_attributes_topic"]])
    assert json.loads(attributes) == {"reason": "unplugged"}


def test_a_self_test_that_finds_a_fault_shows_it() -> None:
    def find(_request: Mapping[str, Any]) -> Json:
        raise Unsound("camera: offline: " + "it is not there. " * 30, {"camera": "offline"})

    response = json.loads(encode(answer("self-test", b"{}", {"self-test": find})))
    result = message()["components"]["self_test_result"]
    state = rendered(result["value_template"], response)
    assert state.startswith("camera: offline: it is not there")
    assert len(state) <= 255
    assert json.loads(rendered(result["json_attributes_template"], response)) == {"camera": "offline"}


def test_an_event_fires_when_an_emotion_begins_or_ends_now_and_for_nothing_else() -> None:
    payloads = Payloads(node="kitchen", boot_id="b", model_set="baseline", clock=MediaClock())
    episodes = Episodes(id_prefix="b", update_s=2.0)
    steps = [e for tenth in range(60) for e in episodes.step(estimate(tenth / 10, "sad"))]
    events = [as_json(payloads.event(event)) for event in [*steps, *episodes.finish()]]
    late = [event | {"backfilled": True} for event in events]
    episode = message()["components"]["episode"]
    fired = [rendered(episode["value_template"], event) for event in [*events, *late]]
    assert {event["kind"] for event in events} == {"start", "update", "end"}
    assert [json.loads(one) for one in fired if one] == [
        {"event_type": "start", "label": "sad", "duration_s": 1.0},
        {"event_type": "end", "label": "sad", "duration_s": 5.9},
    ]
    assert {json.loads(one)["event_type"] for one in fired if one} == set(episode["event_types"])


def test_a_node_that_is_stuck_expires_after_three_missed_heartbeats() -> None:
    components = discovery(TOPICS, Device("0.1.0"), has=EVERYTHING, heartbeat_s=7, health_period_s=30)["components"]
    assert components["emotion"]["expire_after"] == 21
    assert components["temperature"]["expire_after"] == 90


def test_the_message_is_small_enough_for_any_broker() -> None:
    assert len(encode(message())) < 10_000


def _objects(value: Any) -> list[dict[str, Any]]:
    """Every object in a JSON value."""
    if isinstance(value, list):
        return [o for item in value for o in _objects(item)]
    if not isinstance(value, dict):
        return []
    return [value, *(o for item in value.values() for o in _objects(item))]
