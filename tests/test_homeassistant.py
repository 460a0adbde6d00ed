"""Home Assistant's rules for device discovery, as its MQTT integration (schemas.py, sensor.py, …) states them."""

import re
from typing import Any

import pytest
from estimates import estimate
from jsonschema import Draft202012Validator

from device.health import Health, SystemProbe
from device.publish.homeassistant import discovery
from device.publish.payload import Json, MediaClock, Payloads, encode
from device.publish.topics import SENSORS, TABLE, Topics

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
PLATFORMS = [
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
                **dict.fromkeys(("name", "manufacturer", "model", "model_id", "sw_version", "hw_version"), TEXT),
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
                "required": ["platform", "unique_id"],
                "properties": {"platform": {"enum": ["sensor", "binary_sensor", "switch", "button"]}},
                "allOf": PLATFORMS,
            },
        },
    },
}

TOPICS = Topics("kitchen", prefix="home/affectd")


def message() -> Json:
    return discovery(TOPICS, version="0.1.0")


def payloads_by_topic() -> dict[str, Json]:
    payloads = Payloads(node="kitchen", boot_id="b", model_set="baseline", clock=MediaClock())
    health = Health(SystemProbe().read(), None, {}, {}, {})
    part = payloads.part("online", None)
    by_topic = {
        "state": payloads.state(estimate(0)),
        "health": payloads.health(health),
        "info": payloads.info(version="0.1.0", models={}, runtime="r", capabilities=[]),
        "status": payloads.status("online"),
        **{f"status/{name}": part for name in SENSORS},
    }
    return {f"home/affectd/kitchen/{topic}": payload for topic, payload in by_topic.items()}


def test_the_message_keeps_home_assistants_rules() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(message())


@pytest.mark.parametrize(
    ("component", "change"),
    [
        ("emotion", {"unit_of_measurement": "%"}),
        ("emotion", {"entity_category": "config"}),
        ("temperature", {"unit_of_measurement": "degrees"}),
        ("privacy", {"expire_after": 30}),
        ("restart", {"command_topic": "affectd/+/restart"}),
        ("camera", {"misspelt": 1}),
    ],
)
def test_the_rules_find_what_home_assistant_would_refuse(component: str, change: Json) -> None:
    wrong = message()
    wrong["components"][component] |= change
    assert not Draft202012Validator(SCHEMA).is_valid(wrong)


def test_every_entity_of_the_contract_is_there() -> None:
    by_platform: dict[str, set[str]] = {}
    for key, component in message()["components"].items():
        by_platform.setdefault(component["platform"], set()).add(key)
    assert by_platform == {
        "sensor": {"emotion", "confidence", "temperature", "frame_rate", "version"},
        "binary_sensor": {"face_present", "speech_present", "camera", "microphone", "undervoltage"},
        "switch": {"privacy"},
        "button": {"restart", "self_test"},
    }


def test_two_nodes_in_one_house_have_no_id_in_common() -> None:
    ids = [
        component["unique_id"]
        for node in ("kitchen", "hall")
        for component in discovery(Topics(node), version="0.1.0")["components"].values()
    ]
    assert len(set(ids)) == len(ids)


def test_every_topic_is_one_of_the_contract() -> None:
    known = {TOPICS.address(t, verb) for t in TABLE for verb in ("restart", "self-test")}
    named = [v for part in _objects(message()) for k, v in part.items() if k.endswith("topic")]
    assert len(named) > 15
    assert set(named) <= known


def test_every_template_reads_what_the_topic_carries() -> None:
    payloads = payloads_by_topic()
    read = 0
    for part in _objects(message()):
        topic = str(part.get("state_topic", part.get("topic")))
        for path in re.findall(r"value_json\.([\w.]+)", part.get("value_template", "")):
            value: Any = payloads[topic]
            for name in path.split("."):
                value = value[name]
            read += 1
    assert read >= 12


def test_a_node_that_is_stuck_expires_after_three_missed_heartbeats() -> None:
    components = discovery(TOPICS, version="0.1.0", state_heartbeat_s=7, health_period_s=30)["components"]
    assert components["emotion"]["expire_after"] == 21
    assert components["temperature"]["expire_after"] == 90


def test_the_message_is_small_enough_for_any_broker() -> None:
    assert len(encode(message())) < 8192


def _objects(value: Any) -> list[dict[str, Any]]:
    """Every object in a JSON value."""
    if isinstance(value, list):
        return [o for item in value for o in _objects(item)]
    if not isinstance(value, dict):
        return []
    return [value, *(o for item in value.values() for o in _objects(item))]
