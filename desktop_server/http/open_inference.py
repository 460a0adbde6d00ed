"""``/v2``: the bare models by the Open Inference Protocol (KServe's V2), JSON over HTTP.

https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol. Features go in, a net's own output
comes out: neither is calibrated or fused. Errors are problem documents with the protocol's ``error`` beside.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version as installed
from math import prod
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from desktop_server.http.body import read_body
from desktop_server.http.deps import Deps, ServerDeps
from desktop_server.http.disconnect import while_connected
from desktop_server.http.openapi import problems
from desktop_server.inference.batching import BatchingNet
from desktop_server.inference.open_inference import (
    VERSION,
    InferenceError,
    InferRequest,
    InferResponse,
    ModelMetadata,
    ServerMetadata,
    infer_response,
    input_values,
    model_metadata,
    read_request,
    server_metadata,
)
from desktop_server.schema.problems import RequestError

_NUMBER_BYTES = 32
"""Of a number in JSON with all its digits, brackets and blanks."""
_HEAD_BYTES, _HEAD_LISTS = 2**16, 64


class ServerLive(BaseModel):
    """That it is alive."""

    live: bool


class ServerReady(BaseModel):
    """That it is ready."""

    ready: bool


class ModelReady(BaseModel):
    """That a model is ready."""

    name: str
    ready: bool


_SCHEMA = InferRequest.model_json_schema()
"""Without references, as a request's body is described where it is."""
_SCHEMA = {
    **{key: value for key, value in _SCHEMA.items() if key != "$defs"},
    "properties": {
        **_SCHEMA["properties"],
        "inputs": {**_SCHEMA["properties"]["inputs"], "items": _SCHEMA["$defs"]["InputTensor"]},
        "outputs": {**_SCHEMA["properties"]["outputs"], "items": _SCHEMA["$defs"]["RequestedOutput"]},
    },
}


router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"], responses=problems(401, 403, 429))


@router.get("", summary="What is this server?")
async def server() -> ServerMetadata:
    """Name and version."""
    return server_metadata(installed("affectd"))


@router.get("/health/live", summary="Is it alive?")
async def live() -> ServerLive:
    """Yes, if it answers."""
    return ServerLive(live=True)


@router.get("/health/ready", summary="Will it answer?")
async def ready(deps: Deps) -> ServerReady:
    """Whether there is room for a request now."""
    return ServerReady(ready=deps.has_capacity())


@router.get("/models/{name}", summary="What is this model?", responses=problems(404, 422))
async def metadata(name: str, deps: Deps) -> ModelMetadata:
    """Its inputs and outputs."""
    return model_metadata(_net(deps, name).card)


@router.get("/models/{name}/versions/{version}", summary="What is this version?", responses=problems(404, 422))
async def version_metadata(name: str, version: str, deps: Deps) -> ModelMetadata:
    """The same; there is one version."""
    _require_version(version)
    return model_metadata(_net(deps, name).card)


@router.get("/models/{name}/ready", summary="Is this model ready?", responses=problems(404, 422))
async def model_ready(name: str, deps: Deps) -> ModelReady:
    """All that are known are."""
    return ModelReady(name=_net(deps, name).card.id, ready=deps.has_capacity())


@router.get("/models/{name}/versions/{version}/ready", summary="Is it ready?", responses=problems(404, 422))
async def version_ready(name: str, version: str, deps: Deps) -> ModelReady:
    """The same; there is one version."""
    _require_version(version)
    return ModelReady(name=_net(deps, name).card.id, ready=deps.has_capacity())


_INFER: dict[str, Any] = {
    "response_model": InferResponse,
    "responses": problems(400, 404, 408, 413, 422, 503),
    "openapi_extra": {"requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}},
}


@router.post("/models/{name}/infer", summary="Run a model", **_INFER)
async def infer(name: str, request: Request, deps: Deps) -> Response:
    """One input of (samples, …) as the model's metadata says; finite numbers only."""
    return await _inferred(deps, name, request)


@router.post("/models/{name}/versions/{version}/infer", summary="Run a model's version", **_INFER)
async def infer_version(name: str, version: str, request: Request, deps: Deps) -> Response:
    """The same; there is one version."""
    _require_version(version)
    return await _inferred(deps, name, request)


async def _inferred(deps: ServerDeps, name: str, request: Request) -> Response:
    net = _net(deps, name)
    deps.workers.require_capacity()
    with deps.bodies.reserve() as reservation:
        body = await read_body(request, reservation, most_bytes=_max_bytes(net, deps.max_samples))
        answer = await while_connected(request, deps.workers.run(lambda: infer_body(net, body, deps.max_samples)))
    return Response(answer, media_type="application/json")


def _max_bytes(net: BatchingNet, max_samples: int) -> int:
    """What is enough for a request's JSON."""
    return _HEAD_BYTES + max_samples * _numbers(net) * _NUMBER_BYTES


def _require_few_lists(net: BatchingNet, body: bytes, max_samples: int) -> None:
    """Pages of empty lists would take forty times as many bytes in memory. Raises ``RequestError``."""
    if body.count(b"[") + body.count(b"{") > _HEAD_LISTS + 2 * max_samples * _numbers(net):
        raise RequestError("malformed-request", f"there are more lists in it than {max_samples} samples have numbers")


def _numbers(net: BatchingNet) -> int:
    """Of a sample."""
    return prod(net.card.input.shape[1:])


def infer_body(net: BatchingNet, body: bytes, max_samples: int) -> str:
    """A request's JSON to its answer's. Raises ``RequestError``."""
    _require_few_lists(net, body, max_samples)
    with _refused_as("malformed-request"):
        tensors = read_request(body)
    with _refused_as("invalid-tensor"):
        values = input_values(tensors, net.card, max_batch=max_samples)
    (output,) = net.batch(values)
    return infer_response(tensors, net.card, output).model_dump_json(exclude_none=True)


@contextmanager
def _refused_as(code: str) -> Iterator[None]:
    try:
        yield
    except InferenceError as error:
        raise RequestError(code, str(error)) from error


def _net(deps: ServerDeps, name: str) -> BatchingNet:
    if name not in deps.nets:
        raise RequestError("unknown-model", f"there is no model {name!r}; known are {', '.join(deps.nets)}")
    return deps.nets[name]


def _require_version(version: str) -> None:
    if version != VERSION:
        raise RequestError("unknown-model", f"there is no version {version!r}; there is {VERSION!r} alone")
