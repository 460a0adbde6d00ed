"""Home Assistant's rules for device discovery, as its MQTT integration (schemas.py, sensor.py, …) states them."""

import json
from dataclasses import replace

import pytest
from discovery import TOPICS, announced, message
from equipment import EVERYTHING, FACE_SENSE, SPEECH_SENSE
from jsonschema import Draft202012Validator

from device.publish.contract import Json, encode
from device.publish.episodes import EPISODIC
from device.publish.homeassistant import Device, Equipment, discovery
from device.publish.topics import Topics

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
        "device_automation", ["automation_type", "topic", "type", "subtype"],
        {
            "automation_type": {"const": "trigger"}, "topic": SUBSCRIBE, "type": TEXT, "subtype": TEXT,
            "payload": TEXT, "value_template": TEMPLATE, "qos": {"enum": [0, 1, 2]},
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

ENTITY_PLATFORMS = ["sensor", "binary_sensor", "switch", "button", "event"]

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
                "required": ["platform"],
                "properties": {"platform": {"enum": [*ENTITY_PLATFORMS, "device_automation"]}},
                "if": GONE,
                "else": {
                    "allOf": PLATFORMS,
                    "if": {"properties": {"platform": {"enum": ENTITY_PLATFORMS}}},
                    "then": {"required": ["unique_id"]},
                },
            },
        },
    },
}

CAMERA_ONLY_PC = Equipment(
    (FACE_SENSE, replace(SPEECH_SENSE, is_here=False)), temperature=False, throttling=False, restart=False
)

MICROPHONE_ONLY = Equipment((replace(FACE_SENSE, is_here=False), SPEECH_SENSE))


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
        ("sad_begins", {"automation_type": "action"}),
    ],
)
def test_the_rules_find_what_home_assistant_would_refuse(component: str, change: Json) -> None:
    wrong = message()
    wrong["components"][component] |= change
    assert not Draft202012Validator(SCHEMA).is_valid(wrong)


ALWAYS = {
    "emotion", "confidence", "valence", "arousal", "episode", "privacy", "self_test", "self_test_result", "started",
    "version", "model_set", "memory", "emotion_ends", *(f"{emotion}_begins" for emotion in EPISODIC),
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


def test_the_message_stays_short_with_long_names() -> None:
    long = Device("0.1.0", name="📺" * 64, area="ü" * 64)
    assert len(encode(discovery(Topics("n" * 32), long, has=EVERYTHING))) < 16 * 1024
