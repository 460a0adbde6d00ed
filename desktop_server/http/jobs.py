"""``/v1/jobs``: an analysis that outlives its request, with progress, a result for some minutes, and an end."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from desktop_server.analysis.request import AnalysisRequest
from desktop_server.http.access import client_of
from desktop_server.http.analysis import analysis_response
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
from desktop_server.http.content_negotiation import prefers_csv
from desktop_server.http.deps import Deps, ServerDeps
from desktop_server.http.job_store import Job, JobStore
from desktop_server.http.openapi import media_responses, problems
from desktop_server.http.problems import problem_document
from desktop_server.schema import analysis as schema
from desktop_server.schema.jobs import JobProblem, JobResponse
from desktop_server.schema.problems import RequestError
from desktop_server.schema.rows import csv_text

_RETRY_AFTER_S = 1.0
_DIGITS = 3


def _described(names: Collection[str]) -> dict[str, Any]:
    where = {"Location": {"schema": {"type": "string"}, "description": "Of the job."}}
    return {
        "status_code": 202,
        "responses": {202: {"headers": where}, **problems(400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 503)},
        "openapi_extra": request_body(*names),
    }


router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.post("/face", summary="Start to read a picture", **_described(FACE_FILES))
async def start_face(request: Request, response: Response, deps: Deps, options: FaceOptions) -> JobResponse:
    """Takes what `/v1/face` takes."""
    return await _started(deps, request, response, options)


@router.post("/speech", summary="Start to read a recording", **_described(SPEECH_FILES))
async def start_speech(request: Request, response: Response, deps: Deps, options: SpeechOptions) -> JobResponse:
    """Takes what `/v1/speech` takes, and longer: see `limits` at `/v1/server`."""
    return await _started(deps, request, response, options)


@router.post("/fused", summary="Start to read face and voice together", **_described(FUSED_FILES))
async def start_fused(request: Request, response: Response, deps: Deps, options: FusedOptions) -> JobResponse:
    """Takes what `/v1/fused` takes, and longer: a film of ten minutes may be read so."""
    return await _started(deps, request, response, options)


@router.get("/{job}", summary="How far is a job?", responses=problems(401, 404, 422, 429))
async def progress(request: Request, response: Response, deps: Deps, job: str) -> JobResponse:
    """Only whoever started a job knows it: to every other token it is not there."""
    response.headers["Cache-Control"] = "no-store"
    return _told(deps.jobs, deps.jobs.find(client_of(request.scope), job))


@router.get(
    "/{job}/result",
    summary="What a job found",
    responses={**media_responses(schema.AnalysisResponse), **problems(404, 409)},
    response_class=Response,
)
async def result(request: Request, deps: Deps, job: str) -> Response:
    """The answer, or the problem, of the plain address, as often as it is asked for until the job goes."""
    found = deps.jobs.find(client_of(request.scope), job)
    if found.problem is not None:
        raise found.problem
    if found.answer is None:
        raise RequestError("job-unfinished", "ask for its progress, and again later", retry_after_s=_RETRY_AFTER_S)
    if not prefers_csv(",".join(request.headers.getlist("accept"))):
        return analysis_response(found.answer, is_table=False)
    return analysis_response(await asyncio.to_thread(_as_table, found.answer), is_table=True)


@router.delete("/{job}", summary="End a job", status_code=204, responses=problems(401, 404, 422, 429))
async def end(request: Request, deps: Deps, job: str) -> None:
    """Its work ends within a second; its answer is forgotten at once."""
    deps.jobs.remove(deps.jobs.find(client_of(request.scope), job))


async def _started(deps: ServerDeps, request: Request, response: Response, options: AnalysisOptions) -> JobResponse:
    deps.workers.require_capacity()
    jobs = deps.jobs
    job = jobs.admit(client_of(request.scope))
    try:
        with ExitStack() as held:
            reservation = held.enter_context(jobs.bodies.reserve())
            asked = await receive(request, options, reservation)
            limits = jobs.limits
            asked = replace(asked, work_s=limits.work_s, media_s=limits.media_s, progress=job.progress)
            jobs.start(job, partial(_worked, deps, asked), held.pop_all())
    except BaseException:
        jobs.remove(job)
        raise
    response.headers["Location"] = f"{router.prefix}/{job.id}"
    response.headers["Cache-Control"] = "no-store"
    return _told(jobs, job)


async def _worked(deps: ServerDeps, asked: AnalysisRequest) -> bytes:
    return await deps.workers.run(
        lambda: deps.analyze(asked).as_json().encode(), asked.cancellation, is_long=asked.is_long
    )


def _told(jobs: JobStore, job: Job) -> JobResponse:
    is_done = job.state == "done"
    remaining_s, expires_in_s = job.progress.remaining_s, jobs.expires_in_s(job)
    problem = None if job.problem is None else problem_document(job.problem.code, str(job.problem))
    return JobResponse(
        id=job.id,
        state=job.state,
        share=1.0 if is_done else round(job.progress.share, _DIGITS),
        length_s=round(job.progress.length_s, _DIGITS),
        remaining_s=0.0 if is_done else None if remaining_s is None else round(remaining_s, 1),
        expires_in_s=None if expires_in_s is None else round(expires_in_s, 1),
        result=f"{router.prefix}/{job.id}/result",
        problem=None if problem is None else JobProblem.model_validate(problem),
    )


def _as_table(text: bytes) -> str:
    return csv_text(schema.AnalysisResponse.model_validate_json(text))
