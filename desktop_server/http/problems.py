"""Problem documents (RFC 9457): a problem's code and sentence as an HTTP response."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from starlette.responses import Response

from desktop_server.schema.problems import PROBLEM_TYPES

MEDIA_TYPE = "application/problem+json"
PATH = "/problems"
"""Where the server explains each: a problem's ``type`` is a reference to it."""


def problem(
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    retry_after_s: float | None = None,
    more: Mapping[str, object] | None = None,
) -> Response:
    """A problem as an answer. ``more`` are members of its own."""
    all_headers = dict(headers or {})
    if retry_after_s is not None:
        all_headers["Retry-After"] = str(max(1, math.ceil(retry_after_s)))
    return Response(
        json.dumps({**problem_document(code, detail), **(more or {})}),
        PROBLEM_TYPES[code].status,
        all_headers,
        MEDIA_TYPE,
    )


def problem_document(code: str, detail: str) -> dict[str, object]:
    """A problem document."""
    kind = PROBLEM_TYPES[code]
    return {"type": f"{PATH}/{code}", "title": kind.title, "status": kind.status, "detail": detail, "code": code}
