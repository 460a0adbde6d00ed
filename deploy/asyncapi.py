#!/usr/bin/env python3
"""Writes the schemas of docs/asyncapi.yaml from the types of ``device.publish.contract``; the rest there is by hand.

``--check`` changes nothing and exits with 1 if the document says something else.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import yaml

from device.publish import contract
from device.publish.json_schema import json_schemas

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "asyncapi.yaml"
START = "  schemas:  # made by deploy/asyncapi.py\n"
TYPES = (
    contract.State,
    contract.Event,
    contract.Status,
    contract.PartStatus,
    contract.Health,
    contract.Info,
    contract.EntityStates,
    contract.Request,
    contract.Response,
)


def main(arguments: list[str]) -> int:
    """Write, or compare."""
    before = DOCUMENT.read_text(encoding="utf-8")
    after = with_schemas(before)
    if arguments == ["--check"]:
        return int(before != after)
    DOCUMENT.write_text(after, encoding="utf-8")
    return 0


def with_schemas(document: str) -> str:
    """The document with its last part made anew."""
    head, mark, _ = document.partition(START)
    if not mark:
        raise ValueError(f"{DOCUMENT}: the line {START.strip()!r} is missing")
    schemas = json_schemas(TYPES, "#/components/schemas/{name}")
    text = yaml.safe_dump(schemas, sort_keys=False, allow_unicode=True, width=110)
    return head + START + textwrap.indent(text, "    ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
