"""Answers and problems of the HTTP API, as types."""

from __future__ import annotations

from typing import Any

import httpx

from desktop_server.schema.analysis import AnalysisResponse
from desktop_server.schema.problems import PROBLEM_TYPES

LIMITS = {"body_mib": 8.0, "picture_mpx": 4.0, "media_s": 60.0}


def answered(response: httpx.Response) -> AnalysisResponse:
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    return AnalysisResponse.model_validate_json(response.content)


def problem(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    said: dict[str, Any] = response.json()
    assert (said["status"], said["type"]) == (response.status_code, f"/problems/{said['code']}")
    assert PROBLEM_TYPES[said["code"]].status == response.status_code
    assert 400 <= response.status_code < 500, said
    assert "/proc/" not in response.text
    return said
