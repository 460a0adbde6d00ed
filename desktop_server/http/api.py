"""The HTTP application: addresses, problems and what stands before them put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from desktop_server.errors import RequestError
from desktop_server.http import stream
from desktop_server.http.access import Access, RateLimit
from desktop_server.http.describe import problems
from desktop_server.http.docs import docs_routes
from desktop_server.http.lingering import LingeringClose
from desktop_server.http.metrics import CountRequests, Metrics
from desktop_server.http.page import Page, PageHeaders
from desktop_server.http.parameters import require_known
from desktop_server.http.problems import KINDS, PATH, problem
from desktop_server.http.stream_document import stream_document_routes
from desktop_server.tokens import Tokens

DESCRIPTION = """Emotion from face and voice with full-precision models.

What is sent stays in memory and is gone when the answer is sent. Errors are problem documents (RFC 9457): rely on
their `code`. Where the server has tokens, send one as `Authorization: Bearer TOKEN`.

Live streams: """
_SECURITY = {"bearer": {"type": "http", "scheme": "bearer", "description": "`affectd-server token create NAME`"}}


class Health(BaseModel):
    """How it is."""

    status: str


class Meaning(BaseModel):
    """What a kind of problem means."""

    code: str
    status: int
    title: str


@dataclass(frozen=True, slots=True)
class Guard:
    """Who may ask, and how often. ``is_public``: others can reach the address.

    ``limits_all``: the rate counts also where no token is asked for. ``most_body_bytes``: of one request.
    """

    tokens: Tokens
    rate: RateLimit
    is_public: bool
    limits_all: bool
    most_body_bytes: int


def make_api(
    routers: Sequence[APIRouter],
    *,
    guard: Guard,
    metrics: Metrics,
    is_ready: Callable[[], bool],
    close: Callable[[], None],
) -> FastAPI:
    """The application of these addresses and its own. ``close`` is called when it ends."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(close)  # meanwhile those whose work it ends are told so

    api = FastAPI(
        title="affectd server",
        version=version("affectd"),
        description=DESCRIPTION + (stream.__doc__ or ""),
        lifespan=lifespan,
        docs_url=None,  # FastAPI's own pages load their scripts from another host
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(require_known)],
        separate_input_output_schemas=False,
    )
    for router in (*routers, docs_routes(), stream_document_routes(), _operation(is_ready, metrics)):
        api.include_router(router)
    api.router.default = Page(api.router.default)  # mounted it would take what an address has no method for
    _add_problems(api, metrics)
    api.add_middleware(
        Access,
        tokens=guard.tokens,
        rate=guard.rate,
        is_public=guard.is_public,
        limits_all=guard.limits_all,
        refused=metrics.refused,
    )
    api.add_middleware(CountRequests, metrics=metrics)
    api.add_middleware(PageHeaders)
    api.add_middleware(LingeringClose, most_bytes=2 * guard.most_body_bytes)  # the last is the outermost
    _describe(api)
    return api


def _describe(api: FastAPI) -> None:
    """What is asked of every request before a route is reached, FastAPI does not know; nor what a stream carries."""
    document = api.openapi()
    for operation in (operation for operations in document["paths"].values() for operation in operations.values()):
        operation["responses"].setdefault("400", problems(400)[400])
    document["components"]["schemas"] |= stream.message_schemas()
    document["components"]["securitySchemes"] = _SECURITY
    document["security"] = [{"bearer": []}, {}]  # or none, where the server has no tokens
    api.openapi_schema = document


def _operation(is_ready: Callable[[], bool], metrics: Metrics) -> APIRouter:
    """What those who run the server ask."""
    router = APIRouter(tags=["operation"])

    @router.get("/healthz", summary="Is it alive?")
    async def healthz() -> Health:
        """Yes, if it answers."""
        return Health(status="ok")

    @router.get("/readyz", summary="Will it answer?", responses=problems(503))
    async def readyz() -> Health:
        """Whether there is room for a request now."""
        if not is_ready():
            raise RequestError("busy", "all places are taken", retry_after_s=1)
        return Health(status="ready")

    @router.get(
        "/metrics",
        summary="What Prometheus reads",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}, **problems(401, 403, 429)},
    )
    async def metrics_page() -> Response:
        """In Prometheus's text format."""
        return metrics.page()

    @router.get(PATH + "/{code}", summary="What a problem means", responses=problems(404, 422))
    async def meaning(code: str) -> Meaning:
        """A problem's ``type`` leads here."""
        if code not in KINDS:
            raise RequestError("not-found", f"there is no problem {code!r}")
        return Meaning(code=code, status=KINDS[code].status, title=KINDS[code].title)

    return router


def _add_problems(api: FastAPI, metrics: Metrics) -> None:
    @api.exception_handler(RequestError)
    async def _request_error(request: Request, error: RequestError) -> Response:
        metrics.refused(error.code)
        # The Open Inference Protocol has a name of its own for the sentence.
        more = {"error": str(error)} if request.url.path.startswith("/v2") else {}
        return problem(error.code, str(error), retry_after_s=error.retry_after_s, more=more)

    @api.exception_handler(RequestValidationError)
    async def _validation(_request: Request, error: RequestValidationError) -> Response:
        metrics.refused("invalid-parameter")
        wrong = [{"at": ".".join(str(p) for p in e["loc"]), "said": str(e["msg"])} for e in error.errors()]
        return problem("invalid-parameter", "; ".join(f"{e['at']}: {e['said']}" for e in wrong), more={"errors": wrong})

    @api.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        code = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "malformed-request")
        return problem(code, _in_words(request, error), headers=error.headers)

    @api.exception_handler(Exception)
    async def _unexpected(_request: Request, _error: Exception) -> Response:
        return problem("internal-error", "the server's log has more")


def _in_words(request: Request, error: HTTPException) -> str:
    if error.status_code == 404:
        return f"there is nothing at {request.url.path[:80]!r}; /docs lists the addresses"
    allowed = (error.headers or {}).get("Allow")
    return f"{request.method} is not for this address; {allowed} is" if allowed else str(error.detail)
