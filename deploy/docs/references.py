"""The references of the site, made at each build: HTTP (OpenAPI), messages (AsyncAPI), settings (JSON Schema)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from desktop_server.app import build_api
from desktop_server.http.docs import page
from desktop_server.settings import ServerSettings

FOLDER = "build/reference"

Json = Mapping[str, Any]


def write(root: Path) -> None:
    """Write the pages below ``root``."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    messages = yaml.safe_load((root / "docs" / "asyncapi.yaml").read_text(encoding="utf-8"))
    (folder / "http.md").write_text(http_reference(), encoding="utf-8")
    (folder / "settings.md").write_text(settings_reference(), encoding="utf-8")
    (folder / "messages.md").write_text(message_reference(messages), encoding="utf-8")


def http_reference() -> str:
    """What a server shows at ``/docs``, without the links that only a server answers."""
    api = build_api(ServerSettings())
    api.state.deps.close()
    main = page(api.openapi()).partition("</h1>")[2].partition("</main>")[0]
    main = re.sub(r"<p>For programs: .*?</p>", "", main)
    body = re.sub(r'<a href="/[^"]*">(.*?)</a>', r"\1", main, flags=re.DOTALL)
    return f'# HTTP reference\n\n```{{raw}} html\n<div class="reference-document">{body}</div>\n```\n'


def settings_reference() -> str:
    """Every setting of a node and of the server, by its table."""
    (_, *_), tables = msgspec.json.schema_components([ServerSettings])
    keys = tables["ServerSettings"]["properties"]
    own = {key: tables[value["$ref"].rpartition("/")[2]] for key, value in keys.items() if "$ref" in value}
    lead = "Every table of the configuration; `[server]` and what follows it are read by the desktop server alone."
    parts = [_schema(f"[{key}]", schema, "setting") for key, schema in own.items()]
    return "\n".join(["# Settings reference", "", lead, "", *parts])


def message_reference(document: Json) -> str:
    """Every type of message by its fields."""
    schemas = document["components"]["schemas"]
    parts = [_schema(name, schema) for name, schema in schemas.items()]
    lead = "Every type of the messages, as [asyncapi.yaml](../../docs/asyncapi.yaml) has it for programs."
    return "\n".join(["# Message reference", "", lead, "", *parts])


def _schema(name: str, schema: Json, kind: str = "field") -> str:
    rows = list(_rows(schema))
    table = [f"| {kind} | holds | |", "|---|---|---|", *rows] if rows else []
    return "\n".join([f"## {name}", "", _text(schema.get("description", "")), "", *table, ""])


def _rows(schema: Json) -> Iterator[str]:
    needed = schema.get("required", schema.get("properties", ()))
    for key, own in schema.get("properties", {}).items():
        default = f"; default `{json.dumps(own['default'])}`" if "default" in own else ""
        about = _text(own.get("description", ""))
        yield f"| `{key}`{'' if key in needed or default else ' (may be missing)'} | {_type(own)}{default} | {about} |"


def _type(schema: Json) -> str:
    """A JSON Schema in a few words; a named one is a link."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if alternatives := schema.get("anyOf", schema.get("oneOf")):
        return " or ".join(_type(own) for own in alternatives)
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "anything"))


def _text(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
