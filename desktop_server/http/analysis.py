"""``/v1/face``, ``/v1/speech`` and ``/v1/fused``: a picture, a sound or a film in, its analysis out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from desktop_server.analysis import analyzer
from desktop_server.analysis.request import AnalysisRequest
from desktop_server.http.body import FORM, read_body_files
from desktop_server.http.content_negotiation import CSV, JSON, prefers_csv
from desktop_server.http.deps import Deps, ServerDeps
from desktop_server.http.disconnect import while_connected
from desktop_server.http.openapi import media_responses
from desktop_server.schema import analysis as schema
from desktop_server.schema.problems import RequestError
from desktop_server.schema.rows import csv_text
from device.readings import Mode, RuleName

PICTURE = "picture"
AUDIO = "audio"
VIDEO = "video"
_KINDS: Mapping[str, tuple[str, Collection[str]]] = {
    PICTURE: ("JPEG, PNG or WebP", ("image/jpeg", "image/png", "image/webp")),
    AUDIO: (
        "WAV, FLAC, Ogg, MP3, AAC, MP4 or WebM",
        ("audio/wav", "audio/flac", "audio/ogg", "audio/mpeg", "audio/mp4", "audio/webm"),
    ),
    VIDEO: ("MP4, WebM, Matroska or FLV", ("video/mp4", "video/webm", "video/x-matroska", "video/x-flv")),
}

Fusion = Annotated[
    RuleName | None,
    Query(
        description="How both are combined; default: as the model set was measured to do best. `product` multiplies "
        "what both say; `learned` does so with powers learned from actors who were seen and heard at once; `average` "
        "counts both the same; `weighted` counts each by its quality; under `max_confidence` the surer one decides."
    ),
]
Compare = Annotated[bool, Query(description="Also say what the appliance's int8 files make of the same input.")]
Crop = Annotated[
    bool,
    Query(description="The picture is a face already, framed as in FER2013 (a corpus's crop): none is looked for."),
]
_Faces = Annotated[
    Literal["all", "largest"],
    Query(
        description="`largest` looks no further than the estimate needs, which is faster; `all` searches every view."
    ),
]


class Turn(IntEnum):
    """Degrees, clockwise."""

    AS_IT_IS = 0
    RIGHT = 90
    HALF = 180
    LEFT = 270


TurnedBy = Annotated[
    Turn,
    Query(description="Degrees clockwise by which picture or film are turned first; boxes are in the turned picture."),
]
Explain = Annotated[bool, Query(description="Also say why: maps over the face and the voice, and contributions.")]


def _described(*names: str) -> dict[str, Any]:
    """What the OpenAPI document says of a request that brings these files, and of its answers."""
    fields = {
        name: {"type": "string", "format": "binary", "description": f"A file: {_KINDS[name][0]}."} for name in names
    }
    form: dict[str, Any] = {"type": "object", "properties": fields, "additionalProperties": False}
    content: dict[str, Any] = {FORM: {"schema": form}}
    if len(names) == 1:
        form["required"] = list(names)
        content |= {kind: {"schema": {"type": "string", "format": "binary"}} for kind in _KINDS[names[0]][1]}
    return {
        "responses": media_responses(schema.AnalysisResponse),
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
        "response_class": Response,
    }


@dataclass(frozen=True, slots=True)
class _Options:
    """A request without its files."""

    mode: Mode
    rule: RuleName
    compare: bool
    explain: bool
    faces: analyzer.Faces = "all"
    turn: Turn = Turn.AS_IT_IS

    def request_for(self, files: Mapping[str, bytes]) -> AnalysisRequest:
        """The request with its files; those that the mode does not read are left out."""
        return AnalysisRequest(
            mode=self.mode,
            rule=self.rule,
            picture=files.get(PICTURE) if self.mode != "speech" else None,
            recording=files.get(VIDEO, files.get(AUDIO) if self.mode != "face" else None),
            compare=self.compare,
            explain=self.explain,
            faces=self.faces,
            turn=self.turn.value,
        )


router = APIRouter(prefix="/v1", tags=["emotion"])


@router.post("/face", summary="Emotion of the faces in a picture", **_described(PICTURE))
async def face(
    request: Request,
    deps: Deps,
    mode: Literal["face"] = "face",
    fusion: Fusion = None,
    compare: Compare = False,
    explain: Explain = False,
    faces: _Faces = "all",
    crop: Crop = False,
    turn: TurnedBy = Turn.AS_IT_IS,
) -> Response:
    """All faces are told of; the largest one makes the estimate. `nobody` where there is none."""
    options = _Options(mode, fusion or deps.info.fusion, compare, explain, "crop" if crop else faces, turn)
    return await _analyzed(deps, request, options, [PICTURE])


@router.post("/speech", summary="Emotion of the voice in a recording", **_described(AUDIO))
async def speech(
    request: Request,
    deps: Deps,
    mode: Literal["speech"] = "speech",
    fusion: Fusion = None,
    compare: Compare = False,
    explain: Explain = False,
) -> Response:
    """The timeline has what the appliance would have said on the way; `nobody` where nobody speaks."""
    options = _Options(mode, fusion or deps.info.fusion, compare, explain)
    return await _analyzed(deps, request, options, [AUDIO])


@router.post("/fused", summary="Emotion of face and voice together", **_described(PICTURE, AUDIO, VIDEO))
async def fused(
    request: Request,
    deps: Deps,
    mode: Mode = "both",
    fusion: Fusion = None,
    compare: Compare = False,
    explain: Explain = False,
    faces: _Faces = "all",
    turn: TurnedBy = Turn.AS_IT_IS,
) -> Response:
    """Send a `picture` and an `audio`, or a `video` with sound; with `mode` only one of the two is read."""
    options = _Options(mode, fusion or deps.info.fusion, compare, explain, faces, turn)
    return await _analyzed(deps, request, options, [PICTURE, AUDIO, VIDEO])


async def _analyzed(deps: ServerDeps, request: Request, options: _Options, names: Collection[str]) -> Response:
    deps.workers.require_capacity()
    is_table = prefers_csv(",".join(request.headers.getlist("accept")))
    with deps.bodies.reserve() as reservation:
        files = await read_body_files(request, names, reservation)
        _require_fitting(files, options.mode)
        asked = options.request_for(files)
        written = csv_text if is_table else _json
        response = await while_connected(
            request,
            deps.workers.run(lambda: written(deps.analyze(asked)), asked.cancellation, is_long=asked.is_long),
        )
    media_type = CSV if is_table else JSON
    return Response(response, media_type=media_type, headers={"Cache-Control": "no-store", "Vary": "Accept"})


def _json(answer: schema.AnalysisResponse) -> str:
    return answer.model_dump_json(by_alias=True)


def _require_fitting(files: Mapping[str, bytes], mode: Mode) -> None:
    """A video alone, or all that the mode reads."""
    if VIDEO in files:
        if len(files) > 1:
            raise RequestError("malformed-request", "a video comes alone: it has picture and sound itself")
        return
    required = {"face": [PICTURE], "speech": [AUDIO], "both": [PICTURE, AUDIO]}[mode]
    if missing := [name for name in required if name not in files]:
        missing_files = " and ".join(f"{name!r} ({_KINDS[name][0]})" for name in missing)
        raise RequestError("missing-media", f"the form lacks a file {missing_files}")
