"""Analysis options: what ``/v1/face``, ``/v1/speech`` and ``/v1/fused`` take, at once or as a job or a batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request

from desktop_server.analysis import analyzer
from desktop_server.analysis.request import AnalysisRequest
from desktop_server.http.body import FORM, BodyReservation, read_body_files
from desktop_server.http.deps import Deps
from desktop_server.schema.problems import RequestError
from device.readings import Mode, RuleName

PICTURE = "picture"
AUDIO = "audio"
VIDEO = "video"
FACE_FILES, SPEECH_FILES, FUSED_FILES = (PICTURE,), (AUDIO,), (PICTURE, AUDIO, VIDEO)
"""The files that an address takes, by what it reads."""
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
_EveryRule = Annotated[
    bool, Query(description="Also what every fusion rule says on the way through a recording or film, in `rules`.")
]
Explain = Annotated[bool, Query(description="Also say why: maps over the face and the voice, and contributions.")]


@dataclass(frozen=True, slots=True)
class AnalysisOptions:
    """A request without its files. ``names``: of the files that its address takes."""

    names: Collection[str]
    mode: Mode
    rule: RuleName
    compare: bool
    explain: bool
    faces: analyzer.Faces = "all"
    turn: Turn = Turn.AS_IT_IS
    every_rule: bool = False

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
            every_rule=self.every_rule,
        )


async def face_options(
    deps: Deps,
    mode: Literal["face"] = "face",
    fusion: Fusion = None,
    compare: Compare = False,
    explain: Explain = False,
    every_rule: _EveryRule = False,
    faces: _Faces = "all",
    crop: Crop = False,
    turn: TurnedBy = Turn.AS_IT_IS,
) -> AnalysisOptions:
    """Of a picture."""
    rule, sought = fusion or deps.info.fusion, "crop" if crop else faces
    return AnalysisOptions(FACE_FILES, mode, rule, compare, explain, sought, turn, every_rule)


async def speech_options(
    deps: Deps,
    mode: Literal["speech"] = "speech",
    fusion: Fusion = None,
    compare: Compare = False,
    explain: Explain = False,
    every_rule: _EveryRule = False,
) -> AnalysisOptions:
    """Of a sound."""
    return AnalysisOptions(SPEECH_FILES, mode, fusion or deps.info.fusion, compare, explain, every_rule=every_rule)


async def fused_options(
    deps: Deps,
    mode: Mode = "both",
    fusion: Fusion = None,
    compare: Compare = False,
    explain: Explain = False,
    every_rule: _EveryRule = False,
    faces: _Faces = "all",
    turn: TurnedBy = Turn.AS_IT_IS,
) -> AnalysisOptions:
    """Of a picture and a sound, or a film."""
    return AnalysisOptions(FUSED_FILES, mode, fusion or deps.info.fusion, compare, explain, faces, turn, every_rule)


FaceOptions = Annotated[AnalysisOptions, Depends(face_options)]
SpeechOptions = Annotated[AnalysisOptions, Depends(speech_options)]
FusedOptions = Annotated[AnalysisOptions, Depends(fused_options)]


async def receive(request: Request, options: AnalysisOptions, reservation: BodyReservation) -> AnalysisRequest:
    """The request with the files of its body. Raises ``RequestError``."""
    files = await read_body_files(request, options.names, reservation)
    _require_fitting(files, options.mode)
    return options.request_for(files)


def request_body(*names: str) -> dict[str, Any]:
    """What the OpenAPI document says of a request that brings these files."""
    fields = {
        name: {"type": "string", "format": "binary", "description": f"A file: {_KINDS[name][0]}."} for name in names
    }
    form: dict[str, Any] = {"type": "object", "properties": fields, "additionalProperties": False}
    content: dict[str, Any] = {FORM: {"schema": form}}
    if len(names) == 1:
        form["required"] = list(names)
        content |= {kind: {"schema": {"type": "string", "format": "binary"}} for kind in _KINDS[names[0]][1]}
    return {"requestBody": {"required": True, "content": content}}


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
