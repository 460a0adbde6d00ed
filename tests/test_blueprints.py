"""The blueprints keep Home Assistant's rules, as ``blueprint/schemas.py`` and ``config_validation.py`` state them."""

from copy import deepcopy
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from test_examples import BLUEPRINTS, Blueprint
from yaml import load  # type: ignore[import-untyped]

from device.publish.contract import Json

TEXT = {"type": "string"}

NUMBER = {"type": "number"}

SELECTOR = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "properties": {
        "action": {"type": ["object", "null"], "maxProperties": 0},
        "boolean": {"type": ["object", "null"], "maxProperties": 0},
        "time": {"type": ["object", "null"], "maxProperties": 0},
        "entity": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "properties": {
                "multiple": {"type": "boolean"},
                "filter": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {"integration": TEXT, "domain": TEXT, "device_class": TEXT},
                    },
                },
            },
        },
        "select": {
            "type": "object",
            "required": ["options"],
            "properties": {"options": {"type": "array", "minItems": 1, "items": TEXT}},
        },
        "number": {
            "type": "object",
            "required": ["min", "max"],  # a slider needs both
            "additionalProperties": False,
            "properties": {
                "min": NUMBER,
                "max": NUMBER,
                "step": NUMBER,
                "unit_of_measurement": TEXT,
                "mode": {"enum": ["box", "slider"]},
            },
        },
    },
}

ONE_OR_MORE = {"anyOf": [TEXT, {"type": "array", "minItems": 1}]}

SCHEMA: Json = {
    "type": "object",
    "required": ["blueprint", "triggers", "actions"],
    "additionalProperties": False,
    "properties": {
        "blueprint": {
            "type": "object",
            "required": ["name", "domain"],
            "additionalProperties": False,
            "properties": {
                **dict.fromkeys(("name", "description", "author", "source_url"), TEXT),
                "domain": {"const": "automation"},
                "homeassistant": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"min_version": {"type": "string", "pattern": r"^\d{4}\.\d+\.\d+$"}},
                },
                "input": {
                    "type": "object",
                    "additionalProperties": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {"name": TEXT, "description": TEXT, "default": {}, "selector": SELECTOR},
                    },
                },
            },
        },
        "mode": {"enum": ["single", "restart", "queued", "parallel"]},
        "max": {"type": "integer", "minimum": 2},
        "max_exceeded": {"enum": ["silent", "critical", "error", "warning", "info", "debug"]},
        "variables": {"type": "object"},
        "triggers": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "required": ["trigger"], "properties": {"trigger": TEXT, "id": TEXT}},
        },
        "conditions": {
            "type": "array",
            "items": {"anyOf": [TEXT, {"type": "object", "required": ["condition"]}]},
        },
        "actions": ONE_OR_MORE,
    },
}


def blueprint(stem: str) -> Any:
    (path,) = (path for path in BLUEPRINTS if path.stem == stem)
    return load(path.read_text(encoding="utf-8"), Blueprint)


@pytest.mark.parametrize("stem", [path.stem for path in BLUEPRINTS])
def test_a_blueprint_keeps_home_assistants_rules(stem: str) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(blueprint(stem))


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("blueprint", {"domain": "light"}),
        ("blueprint", {"min_version": "2024.11.0"}),  # it stands one level deeper
        ("blueprint", {"input": {"seconds": {"selector": {"number": {"min": 0}}}}}),
        ("blueprint", {"input": {"seconds": {"selector": {"number": {"min": 0, "max": 9}, "time": None}}}}),
    ],
)
def test_the_rules_find_what_home_assistant_would_refuse(part: str, change: Json) -> None:
    wrong = deepcopy(blueprint("dim_light_when_sad"))
    wrong[part] |= change
    assert not Draft202012Validator(SCHEMA).is_valid(wrong)
