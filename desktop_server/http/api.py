"""The HTTP application: routes, problems and headers put together."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from desktop_server.errors import RequestError
from desktop_server.http.describe import problems
from desktop_server.http.media_routes import Desk, media_routes
from desktop_server.http.page import PageHeaders, page_files
from desktop_server.http.problems import KINDS, PATH, of_error, problem

_log = logging.getLogger(__name__)

DESCRIPTION = """Emotion from face and voice with full-precision models.

What is sent stays in memory and is gone when the answer is sent. Errors are problem documents (RFC 9457)."""


class Health(BaseModel):
    """That it is there."""

    status: str


def make_api(desk: Desk, *, is_ready: Callable[[], bool], close: Callable[[], None]) -> FastAPI:
    """The application. ``close`` is called when it ends."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        close()

    api = FastAPI(
        title="affectd server",
        version=version("affectd"),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # FastAPI's own pages load their scripts from another host
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    api.include_router(media_routes(desk))
    _add_health(api, is_ready)
    _add_problems(api)
    api.mount("/", page_files(), name="page")
    api.add_middleware(PageHeaders)
    return api


def _add_health(api: FastAPI, is_ready: Callable[[], bool]) -> None:
    @api.get("/healthz", tags=["operation"], summary="Is it alive?")
    async def healthz() -> Health:
        """Yes, if it answers."""
        return Health(status="ok")

    @api.get("/readyz", tags=["operation"], summary="Will it answer?", responses=problems(503))
    async def readyz() -> Health:
        """Whether there is room for a request now."""
        if not is_ready():
            raise RequestError("busy", "all places are taken", retry_after_s=1)
        return Health(status="ready")


def _add_problems(api: FastAPI) -> None:
    @api.get(PATH + "/{code}", tags=["operation"], summary="What a problem means", responses=problems(404))
    async def explained(code: str) -> JSONResponse:
        """The status and title of a kind of problem."""
        if code not in KINDS:
            raise RequestError("not-found", f"there is no problem {code!r}")
        return JSONResponse({"code": code, "status": KINDS[code].status, "title": KINDS[code].title})

    @api.exception_handler(RequestError)
    async def _request_error(_request: Request, error: RequestError) -> Response:
        return of_error(error)

    @api.exception_handler(RequestValidationError)
    async def _validation(_request: Request, error: RequestValidationError) -> Response:
        wrong = [{"at": ".".join(str(p) for p in e["loc"]), "said": str(e["msg"])} for e in error.errors()]
        detail = "; ".join(f"{e['at']}: {e['said']}" for e in wrong)
        return problem("invalid-parameter", detail, errors=wrong)

    @api.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> Response:
        code = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "malformed-request")
        return problem(code, str(error.detail), headers=error.headers)

    @api.exception_handler(Exception)
    async def _unexpected(_request: Request, _error: Exception) -> Response:
        return problem("internal-error", "the server's log has more")
