"""``/v1/face``, ``/v1/speech`` and ``/v1/fused``: a picture, a sound or a film in, an answer out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from desktop_server import answer as parts
from desktop_server import perception
from desktop_server.answering import Question
from desktop_server.errors import RequestError
from desktop_server.http.body import FORM, Cloakroom, read_files
from desktop_server.http.connection import while_connected
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

Fusion = Annotated[
    parts.Rule | None,
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
Faces = Annotated[
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


Turned = Annotated[
    Turn,
    Query(description="Degrees clockwise by which picture or film are turned first; boxes are in the turned picture."),
]
Explain = Annotated[bool, Query(description="Also say why: maps over the face and the voice, and contributions.")]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes work with. ``rule`` is the one that is used where none is asked for."""

    answer: Callable[[Question], parts.Answer]
    office: Office
    cloakroom: Cloakroom
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
        faces: Faces = "all",
        crop: Crop = False,
        turn: Turned = Turn.AS_IT_IS,
    ) -> Response:
        """All faces are told of; the largest one makes the estimate. `nobody` where there is none."""
        asked = _Asked(mode, fusion or desk.rule, compare, explain, "crop" if crop else faces, turn)
        return await _answered(desk, request, asked, [PICTURE])

    @router.post("/speech", summary="Emotion of the voice in a recording", **_described(AUDIO))
    async def speech(
        request: Request,
        mode: Literal["speech"] = "speech",
        fusion: Fusion = None,
        compare: Compare = False,
        explain: Explain = False,
    ) -> Response:
        """The timeline has what the appliance would have said on the way; `nobody` where nobody speaks."""
        asked = _Asked(mode, fusion or desk.rule, compare, explain)
        return await _answered(desk, request, asked, [AUDIO])

    @router.post("/fused", summary="Emotion of face and voice together", **_described(PICTURE, AUDIO, VIDEO))
    async def fused(
        request: Request,
        mode: parts.Mode = "both",
        fusion: Fusion = None,
        compare: Compare = False,
        explain: Explain = False,
        faces: Faces = "all",
        turn: Turned = Turn.AS_IT_IS,
    ) -> Response:
        """Send a `picture` and an `audio`, or a `video` with sound; with `mode` only one of the two is read."""
        asked = _Asked(mode, fusion or desk.rule, compare, explain, faces, turn)
        return await _answered(desk, request, asked, [PICTURE, AUDIO, VIDEO])

    return router


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question without its files."""

    mode: parts.Mode
    rule: parts.Rule
    compare: bool
    explain: bool
    faces: perception.Faces = "all"
    turn: Turn = Turn.AS_IT_IS

    def about(self, files: Mapping[str, bytes]) -> Question:
        """With them; what the mode does not read is left out."""
        return Question(
            mode=self.mode,
            rule=self.rule,
            picture=files.get(PICTURE) if self.mode != "speech" else None,
            recording=files.get(VIDEO, files.get(AUDIO) if self.mode != "face" else None),
            compare=self.compare,
            explain=self.explain,
            faces=self.faces,
            turn=self.turn.value,
        )


async def _answered(desk: Desk, request: Request, asked: _Asked, names: Collection[str]) -> Response:
    desk.office.require_room()
    with desk.cloakroom.shelf() as shelf:
        files = await read_files(request, names, shelf)
        _require_fitting(files, asked.mode)
        question = asked.about(files)
        answer = await while_connected(
            request,
            desk.office.do(
                lambda: desk.answer(question).model_dump_json(by_alias=True),
                question.cancellation,
                is_long=question.is_long,
            ),
        )
    return Response(answer, media_type="application/json", headers={"Cache-Control": "no-store"})


def _require_fitting(files: Mapping[str, bytes], mode: parts.Mode) -> None:
    """A video alone, or all that the mode reads."""
    if VIDEO in files:
        if len(files) > 1:
            raise RequestError("malformed-request", "a video comes alone: it has picture and sound itself")
        return
    wanted = {"face": [PICTURE], "speech": [AUDIO], "both": [PICTURE, AUDIO]}[mode]
    if missing := [name for name in wanted if name not in files]:
        said = " and ".join(f"{name!r} ({_KINDS[name][0]})" for name in missing)
        raise RequestError("missing-media", f"the form lacks a file {said}")


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
