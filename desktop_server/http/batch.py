"""``/v1/batch``: many files in one request, an answer or a problem for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response

from desktop_server.analysis.cancellation import Cancellation
from desktop_server.analysis.folder import ReadOptions, media_request
from desktop_server.analysis.request import AnalysisRequest
from desktop_server.http.analysis_options import Crop, Fusion, Turn, TurnedBy
from desktop_server.http.body import FORM, NamedFile, read_named_files
from desktop_server.http.content_negotiation import CSV, JSON, prefers_csv
from desktop_server.http.deps import Deps, ServerDeps
from desktop_server.http.disconnect import while_connected
from desktop_server.http.openapi import batch_responses
from desktop_server.http.problems import problem_document
from desktop_server.http.request_examples import BASE
from desktop_server.schema.analysis import AnalysisResponse
from desktop_server.schema.batch import BatchResponse, FileAnswer, FileProblem
from desktop_server.schema.problems import RequestError
from desktop_server.schema.rows import COLUMNS, csv_lines, rows, unread_row
from device.capture.kinds import HEAD_BYTES, picture_kind
from device.capture.pictures import has_picture_name
from device.readings import Mode

FILE = "file"
MOST_FILES = 256
"""More than a body has room for, but for faces that are cut out already."""

_Write = Callable[[str, AnalysisResponse | RequestError], str]
_FORM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": [FILE],
    "additionalProperties": False,
    "properties": {
        FILE: {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_FILES,
            "items": {"type": "string", "format": "binary"},
            "description": "Files: pictures, recordings and films in any order. What one is, its content says.",
        }
    },
}
_SENT = f"-F {FILE}=@face.jpg -F {FILE}=@voice.wav '{BASE}/v1/batch'"
_EXAMPLE = f"curl {_SENT}\ncurl -H 'Accept: {CSV}' {_SENT}"

router = APIRouter(prefix="/v1", tags=["emotion"])


@router.post(
    "/batch",
    summary="Emotion of many files",
    responses=batch_responses(BatchResponse),
    openapi_extra={
        "requestBody": {"required": True, "content": {FORM: {"schema": _FORM_SCHEMA}}},
        "x-codeSamples": [{"lang": "Shell", "source": _EXAMPLE}],
    },
    response_class=Response,
)
async def batch(
    request: Request,
    deps: Deps,
    mode: Mode = "both",
    fusion: Fusion = None,
    crop: Crop = False,
    turn: TurnedBy = Turn.AS_IT_IS,
) -> Response:
    """Read as `affectd-server read` reads a folder: of a picture the largest face.

    Files are read one after the other. All together may be as large as one request and take as long; those that there
    was no time for have the problem `too-much-work`.
    """
    deps.workers.require_capacity()
    is_table = prefers_csv(",".join(request.headers.getlist("accept")))
    options = ReadOptions(mode, fusion or deps.info.fusion, is_crop=crop, turn=turn.value)
    with deps.bodies.reserve() as reservation:
        files = await read_named_files(request, FILE, reservation, most_files=MOST_FILES)
        cancellation, write = Cancellation(), _rows if is_table else _member
        parts = await while_connected(
            request,
            deps.workers.run(
                lambda: list(_parts(deps, options, files, cancellation, write)), cancellation, is_long=True
            ),
        )
    return Response(
        _table(parts) if is_table else _document(parts),
        media_type=CSV if is_table else JSON,
        headers={"Cache-Control": "no-store", "Vary": "Accept"},
    )


def _parts(
    deps: ServerDeps, options: ReadOptions, files: Sequence[NamedFile], cancellation: Cancellation, write: _Write
) -> Iterator[str]:
    """Of each file what is written of it, so that no answer is kept as objects."""
    deadline_s = time.monotonic() + deps.service.work_s
    for file in files:
        cancellation.check()
        try:
            asked = _request_for(file, options)
            left_s = deadline_s - time.monotonic()
            yield write(file.name, deps.analyze(replace(asked, cancellation=cancellation, work_s=left_s)))
        except RequestError as error:
            cancellation.check()  # else it is that which ended the reading
            deps.metrics.count_refusal(error.code)
            yield write(file.name, error)


def _request_for(file: NamedFile, options: ReadOptions) -> AnalysisRequest:
    is_picture = bool(picture_kind(file.data[:HEAD_BYTES])) or has_picture_name(Path(file.name))
    return media_request(file.data, options, is_picture=is_picture)


def _member(name: str, found: AnalysisResponse | RequestError) -> str:
    """A member of the document's list."""
    if isinstance(found, RequestError):
        problem = FileProblem.model_validate(problem_document(found.code, str(found)))
        return FileAnswer(file=name, answer=None, problem=problem).model_dump_json(by_alias=True)
    return FileAnswer(file=name, answer=found, problem=None).model_dump_json(by_alias=True)


def _rows(name: str, found: AnalysisResponse | RequestError) -> str:
    return csv_lines([unread_row(name)] if isinstance(found, RequestError) else rows(found, file=name))


def _document(members: Sequence[str]) -> str:
    """As ``BatchResponse`` would be written."""
    return f'{{"schema":"affectd.batch/1","files":[{",".join(members)}]}}'


def _table(lines: Sequence[str]) -> str:
    return csv_lines([COLUMNS]) + "".join(lines)
