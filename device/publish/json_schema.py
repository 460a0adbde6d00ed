"""JSON Schemas of the message contract's types: for docs/asyncapi.yaml, and for the server's OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from device.publish.contract import Json, Payload


def json_schemas(types: Iterable[type[msgspec.Struct]], ref_template: str) -> dict[str, Json]:
    """By the types' names, as a node publishes them: with every field, and no other."""
    _, schemas = msgspec.json.schema_components(types, ref_template=ref_template)
    return {name: _as_published(schema) if name in _payloads() else schema for name, schema in schemas.items()}


def inline_schema(kind: type[Payload]) -> Json:
    """Of one type, with the schemas that it is made of in their places."""
    schemas = json_schemas([kind], "{name}")
    inlined: Json = _inline(schemas[kind.__name__], schemas)
    return inlined


def _payloads() -> frozenset[str]:
    return frozenset(kind.__name__ for kind in Payload.__subclasses__())


def _as_published(schema: Json) -> Json:
    """A field with a default is missing only in what older versions sent."""
    properties = {
        name: {key: value for key, value in about.items() if key != "default"}
        for name, about in schema["properties"].items()
    }
    return {**schema, "properties": properties, "required": [*properties], "additionalProperties": False}


def _inline(value: Any, schemas: dict[str, Json]) -> Any:
    if isinstance(value, dict):
        if "$ref" in value:
            return _inline(schemas[value["$ref"]], schemas)
        return {key: _inline(inner, schemas) for key, inner in value.items()}
    return [_inline(inner, schemas) for inner in value] if isinstance(value, list) else value
