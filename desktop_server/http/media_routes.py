"""``/v1/face``, ``/v1/speech`` and ``/v1/fused``: a picture, a sound or a film in, an answer out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from desktop_server import answer as parts
from desktop_server.answering import Question
from desktop_server.errors import RequestError
from desktop_server.http.body import FORM, BodyLimits, read_files
from desktop_server.http.describe import answers
from desktop_server.http.office import Office

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

Fusion = Annotated[parts.Rule | None, Query(description="How both are combined; default: as the model set does best.")]
Compare = Annotated[bool, Query(description="Also say what the appliance's int8 files make of the same input.")]
Explain = Annotated[bool, Query(description="Also say why: maps over the face and the voice, and contributions.")]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes work with. ``rule`` is the one that is used where none is asked for."""

    answer: Callable[[Question], parts.Answer]
    office: Office
    body: BodyLimits
    rule: parts.Rule


def media_routes(desk: Desk) -> APIRouter:
    """The three addresses."""
    router = APIRouter(prefix="/v1", tags=["emotion"])

    @router.post("/face", summary="Emotion of the faces in a picture", **_described(PICTURE))
    async def face(
        request: Request,
        mode: Literal["face"] = "face",
        fusion: Fusion = None,
        compare: Compare = False,
        explain: Explain = False,
    ) -> Response:
        """All faces are told of; the largest one makes the estimate. `nobody` where there is none."""
        files = await _files(desk, request, [PICTURE])
        return await _answered(
            desk,
            Question(mode, fusion or desk.rule, picture=_one(files, PICTURE), compare=compare, explain=explain),
        )

    @router.post("/speech", summary="Emotion of the voice in a recording", **_described(AUDIO))
    async def speech(
        request: Request,
        mode: Literal["speech"] = "speech",
        fusion: Fusion = None,
        compare: Compare = False,
        explain: Explain = False,
    ) -> Response:
        """The timeline has what the appliance would have said on the way; `nobody` where nobody speaks."""
        files = await _files(desk, request, [AUDIO])
        return await _answered(
            desk,
            Question(mode, fusion or desk.rule, recording=_one(files, AUDIO), compare=compare, explain=explain),
        )

    @router.post("/fused", summary="Emotion of face and voice together", **_described(PICTURE, AUDIO, VIDEO))
    async def fused(
        request: Request,
        mode: parts.Mode = "both",
        fusion: Fusion = None,
        compare: Compare = False,
        explain: Explain = False,
    ) -> Response:
        """Send a `picture` and an `audio`, or a `video` with sound; with `mode` only one of the two is read."""
        files = await _files(desk, request, [PICTURE, AUDIO, VIDEO])
        picture, recording = _both(files, mode)
        question = Question(
            mode, fusion or desk.rule, picture=picture, recording=recording, compare=compare, explain=explain
        )
        return await _answered(desk, question)

    return router


async def _files(desk: Desk, request: Request, names: Collection[str]) -> dict[str, bytes]:
    desk.office.require_room()
    return await read_files(request, names, desk.body)


async def _answered(desk: Desk, question: Question) -> Response:
    answer = await desk.office.do(lambda: desk.answer(question).model_dump_json(by_alias=True))
    return Response(answer, media_type="application/json", headers={"Cache-Control": "no-store"})


def _one(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise RequestError("missing-media", f"the form has no file {name!r}; send {_KINDS[name][0]}")
    return files[name]


def _both(files: Mapping[str, bytes], mode: parts.Mode) -> tuple[bytes | None, bytes | None]:
    """The picture and the recording to read in this mode."""
    if VIDEO in files:
        if len(files) > 1:
            raise RequestError("malformed-request", "a video comes alone: it has picture and sound itself")
        return None, files[VIDEO]
    wanted = {"face": [PICTURE], "speech": [AUDIO], "both": [PICTURE, AUDIO]}[mode]
    if missing := [name for name in wanted if name not in files]:
        raise RequestError("missing-media", f"the form has no {' and no '.join(missing)}, and no video")
    return (files[PICTURE] if PICTURE in wanted else None), (files[AUDIO] if AUDIO in wanted else None)


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
        "responses": answers(parts.Answer),
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
        "response_class": Response,
    }
