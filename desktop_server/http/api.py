"""The HTTP application: routes, problems and middleware put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from desktop_server.http import (
    analysis,
    asyncapi,
    batch,
    docs,
    fleet,
    jobs,
    open_inference,
    operation,
    server_info,
    stream,
)
from desktop_server.http.access import Access, AccessPolicy
from desktop_server.http.background import background_tasks
from desktop_server.http.deps import ServerDeps
from desktop_server.http.head_as_get import HeadAsGet
from desktop_server.http.lingering_close import LingeringClose
from desktop_server.http.metrics import CountRequests, Metrics
from desktop_server.http.openapi import problems
from desktop_server.http.page import Page, PageHeaders
from desktop_server.http.parameters import require_known
from desktop_server.http.problems import problem
from desktop_server.http.request_examples import add_examples
from desktop_server.schema import stream as stream_protocol
from desktop_server.schema.problems import RequestError
from device.models.card import Card

_ROUTES = (analysis, batch, jobs, stream, open_inference, server_info, fleet, docs, asyncapi, operation)

DESCRIPTION = """Emotion from face and voice with full-precision models.

What is sent stays in memory and is gone when the answer is sent. Errors are problem documents (RFC 9457): rely on
their `code`. With `Accept: text/csv` an answer to media is a table: a row a picture, a row an estimate of a recording.
Where the server has tokens, send one as `Authorization: Bearer TOKEN`.

Live streams: """
_SECURITY = {"bearer": {"type": "http", "scheme": "bearer", "description": "`affectd-server token create NAME`"}}


def make_api(deps: ServerDeps, access: AccessPolicy) -> FastAPI:
    """The application of these dependencies, which it closes when it ends."""

    @asynccontextmanager
    async def lifespan(_api: FastAPI) -> AsyncIterator[None]:
        async with background_tasks(deps.background):
            yield
        await asyncio.to_thread(deps.close)  # meanwhile the requests that it cancels are answered

    api = FastAPI(
        title="affectd server",
        version=version("affectd"),
        description=DESCRIPTION + (stream_protocol.__doc__ or ""),
        lifespan=lifespan,
        docs_url=None,  # FastAPI's own pages load their scripts from another host
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(require_known)],
        separate_input_output_schemas=False,
    )
    api.state.deps = deps
    for module in _ROUTES:
        api.include_router(module.router)
    api.router.default = Page(api.router.default)  # mounted it would take what an address has no method for
    _add_problems(api, deps.metrics)
    _add_middleware(api, deps, access)
    _describe(api, next(iter(deps.nets.values())).card)
    return api


def _add_middleware(api: FastAPI, deps: ServerDeps, access: AccessPolicy) -> None:
    """The last is the outermost."""
    api.add_middleware(HeadAsGet)
    api.add_middleware(Access, policy=access, on_refusal=deps.metrics.count_refusal)
    api.add_middleware(CountRequests, metrics=deps.metrics)
    api.add_middleware(PageHeaders)
    api.add_middleware(LingeringClose, most_bytes=2 * max(deps.bodies.limits.bytes, deps.jobs.bodies.limits.bytes))


def _describe(api: FastAPI, card: Card) -> None:
    """What is asked of every request before a route is reached, FastAPI does not know; nor what a stream carries."""
    document = api.openapi()
    for described in (one for operations in document["paths"].values() for one in operations.values()):
        for status, response in problems(400, 403, 503).items():
            described["responses"].setdefault(str(status), response)
    add_examples(document, card)
    schemas = document["components"]["schemas"] | asyncapi.message_schemas()
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    document["components"]["securitySchemes"] = _SECURITY
    document["security"] = [{"bearer": []}, {}]  # or none, where the server has no tokens
    api.openapi_schema = document


def _add_problems(api: FastAPI, metrics: Metrics) -> None:
    @api.exception_handler(RequestError)
    async def _request_error(request: Request, error: RequestError) -> Response:
        metrics.count_refusal(error.code)
        # The Open Inference Protocol has a name of its own for the sentence.
        more = {"error": str(error)} if request.url.path.startswith("/v2") else {}
        return problem(error.code, str(error), retry_after_s=error.retry_after_s, more=more)

    @api.exception_handler(RequestValidationError)
    async def _validation(_request: Request, error: RequestValidationError) -> Response:
        metrics.count_refusal("invalid-parameter")
        errors = [{"at": ".".join(str(p) for p in e["loc"]), "said": str(e["msg"])} for e in error.errors()]
        return problem(
            "invalid-parameter", "; ".join(f"{e['at']}: {e['said']}" for e in errors), more={"errors": errors}
        )

    @api.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        code = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "malformed-request")
        headers = {**(error.headers or {})}
        if headers.get("Allow") == "GET":  # FastAPI knows nothing of `HeadAsGet`
            headers["Allow"] = "GET, HEAD"
        return problem(code, _in_words(request, error, headers.get("Allow")), headers=headers)

    @api.exception_handler(Exception)
    async def _unexpected(_request: Request, _error: Exception) -> Response:
        return problem("internal-error", "the server's log has more")


def _in_words(request: Request, error: HTTPException, allowed: str | None) -> str:
    if error.status_code == 404:
        return f"there is nothing at {request.url.path[:80]!r}; /docs lists the addresses"
    return f"{request.method} is not for this address; {allowed} is" if allowed else str(error.detail)
