"""``/v1/face``, ``/v1/speech`` and ``/v1/fused``: a picture, a sound or a film in, its analysis out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fastapi import APIRouter, Request, Response

from desktop_server.http.analysis_options import (
    FACE_FILES,
    FUSED_FILES,
    SPEECH_FILES,
    AnalysisOptions,
    FaceOptions,
    FusedOptions,
    SpeechOptions,
    receive,
    request_body,
)
from desktop_server.http.content_negotiation import CSV, JSON, prefers_csv
from desktop_server.http.deps import Deps, ServerDeps
from desktop_server.http.disconnect import while_connected
from desktop_server.http.openapi import media_responses
from desktop_server.schema import analysis as schema
from desktop_server.schema.rows import csv_text


def _described(names: Collection[str]) -> dict[str, Any]:
    return {
        "responses": media_responses(schema.AnalysisResponse),
        "openapi_extra": request_body(*names),
        "response_class": Response,
    }


router = APIRouter(prefix="/v1", tags=["emotion"])


@router.post("/face", summary="Emotion of the faces in a picture", **_described(FACE_FILES))
async def face(request: Request, deps: Deps, options: FaceOptions) -> Response:
    """All faces are told of; the largest one makes the estimate. `nobody` where there is none."""
    return await _analyzed(deps, request, options)


@router.post("/speech", summary="Emotion of the voice in a recording", **_described(SPEECH_FILES))
async def speech(request: Request, deps: Deps, options: SpeechOptions) -> Response:
    """The timeline has what the appliance would have said on the way; `nobody` where nobody speaks."""
    return await _analyzed(deps, request, options)


@router.post("/fused", summary="Emotion of face and voice together", **_described(FUSED_FILES))
async def fused(request: Request, deps: Deps, options: FusedOptions) -> Response:
    """Send a `picture` and an `audio`, or a `video` with sound; with `mode` only one of the two is read."""
    return await _analyzed(deps, request, options)


async def _analyzed(deps: ServerDeps, request: Request, options: AnalysisOptions) -> Response:
    deps.workers.require_capacity()
    is_table = prefers_csv(",".join(request.headers.getlist("accept")))
    with deps.bodies.reserve() as reservation:
        asked = await receive(request, options, reservation)
        written = csv_text if is_table else schema.AnalysisResponse.as_json
        response = await while_connected(
            request,
            deps.workers.run(lambda: written(deps.analyze(asked)), asked.cancellation, is_long=asked.is_long),
        )
    return analysis_response(response, is_table=is_table)


def analysis_response(text: str | bytes, *, is_table: bool) -> Response:
    """An analysis that is written already."""
    media_type = CSV if is_table else JSON
    return Response(text, media_type=media_type, headers={"Cache-Control": "no-store", "Vary": "Accept"})
