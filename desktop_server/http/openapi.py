"""The OpenAPI document's answers and problems, the same at every address."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from desktop_server.http.content_negotiation import CSV, JSON
from desktop_server.http.problems import MEDIA_TYPE, PATH
from desktop_server.schema.problems import PROBLEM_TYPES
from desktop_server.schema.rows import COLUMNS

Responses = dict[int | str, dict[str, Any]]

_EXAMPLE = Path(__file__).with_name("example_answer.json")
"""An answer to a picture and a sound."""

_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "Where this kind is explained."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong with this request, and the remedy."},
        "code": {"type": "string", "enum": sorted(PROBLEM_TYPES), "description": "For programs; it will not change."},
    },
}


_TABLE_SCHEMA: dict[str, Any] = {
    "type": "string",
    "description": f"UTF-8, RFC 4180. A header line ({','.join(COLUMNS)}), then a row an estimate of a recording, "
    "or one row for a picture. `file` is empty but in a batch: there a file that cannot be read is a row of its name "
    "alone, and a name that a spreadsheet would take for a formula has an apostrophe before it. What `compare` and "
    "`explain` add is in JSON alone.",
}


def problem_schema() -> dict[str, Any]:
    """Of a problem document."""
    return _PROBLEM_SCHEMA


def problems(*statuses: int) -> Responses:
    """Problem documents, by these statuses."""
    return {status: _problem(status) for status in statuses}


def media_responses(model: type[BaseModel]) -> Responses:
    """An answer of this schema or a table, and every problem that a request with media can meet."""
    return _responses(model, {"example": json.loads(_EXAMPLE.read_text(encoding="utf-8"))})


def batch_responses(model: type[BaseModel]) -> Responses:
    """The same of many files, without an example of each."""
    return _responses(model, {})


def _responses(model: type[BaseModel], in_json: dict[str, Any]) -> Responses:
    return {
        200: {"model": model, "content": {JSON: in_json, CSV: {"schema": _TABLE_SCHEMA}}},
        **problems(400, 401, 403, 408, 413, 415, 422, 429, 500, 503),
    }


def _problem(status: int) -> dict[str, Any]:
    kinds = {code: kind for code, kind in PROBLEM_TYPES.items() if kind.status == status}
    example = {"status": status, "detail": "…"}
    described: dict[str, Any] = {
        "description": "; ".join(kind.title for kind in kinds.values()),
        "content": {
            MEDIA_TYPE: {
                "schema": _PROBLEM_SCHEMA,
                "examples": {
                    code: {"value": {"type": f"{PATH}/{code}", "title": kind.title, **example, "code": code}}
                    for code, kind in kinds.items()
                },
            }
        },
    }
    if status in (429, 503):
        described["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return described
