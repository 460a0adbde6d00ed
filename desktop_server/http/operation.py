"""Operation: health checks, metrics, and what each problem means."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel

from desktop_server.http.deps import Deps
from desktop_server.http.openapi import problems
from desktop_server.http.problems import PATH
from desktop_server.schema.problems import PROBLEM_TYPES, RequestError


class Liveness(BaseModel):
    """Whether it works."""

    status: str


class ProblemKind(BaseModel):
    """A kind of problem."""

    code: str
    status: int
    title: str


router = APIRouter(tags=["operation"])


@router.get("/healthz", summary="Is it alive?")
async def healthz() -> Liveness:
    """Yes, if it answers."""
    return Liveness(status="ok")


@router.get("/readyz", summary="Will it answer?", responses=problems(503))
async def readyz(deps: Deps) -> Liveness:
    """Whether there is room for a request now."""
    if not deps.has_capacity():
        raise RequestError("busy", "all places are taken", retry_after_s=1)
    return Liveness(status="ready")


@router.get(
    "/metrics",
    summary="What Prometheus reads",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **problems(401, 403, 429)},
)
async def metrics_page(deps: Deps) -> Response:
    """In Prometheus's text format."""
    return deps.metrics.exposition()


@router.get(PATH + "/{code}", summary="What a problem means", responses=problems(404, 422))
async def meaning(code: str) -> ProblemKind:
    """A problem's ``type`` leads here."""
    if code not in PROBLEM_TYPES:
        raise RequestError("not-found", f"there is no problem {code!r}")
    return ProblemKind(code=code, status=PROBLEM_TYPES[code].status, title=PROBLEM_TYPES[code].title)
