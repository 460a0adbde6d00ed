"""``/v2``: the bare models by the Open Inference Protocol (KServe's V2), JSON over HTTP.

https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol. Features go in, a net's own output
comes out: neither is calibrated or fused. Errors are problem documents with the protocol's ``error`` beside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version as installed
from math import prod
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from desktop_server.batching import BatchingNet
from desktop_server.errors import RequestError
from desktop_server.http.body import Cloakroom, read_body
from desktop_server.http.connection import while_connected
from desktop_server.http.describe import problems
from desktop_server.http.office import Office
from desktop_server.inference_protocol import (
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

_NUMBER_BYTES = 32
"""Of a number in JSON with all its digits, brackets and blanks."""
_HEAD_BYTES, _HEAD_LISTS = 2**16, 64


class Live(BaseModel):
    """That it is alive."""

    live: bool


class Ready(BaseModel):
    """That it is ready."""

    ready: bool


class ModelReady(BaseModel):
    """That a model is ready."""

    name: str
    ready: bool


@dataclass(frozen=True, slots=True)
class Counter:
    """What the routes work with: shared nets by their cards' ids, and the most samples of a request."""

    nets: Mapping[str, BatchingNet]
    office: Office
    cloakroom: Cloakroom
    most_samples: int
    is_ready: Callable[[], bool]


def oip_routes(counter: Counter) -> APIRouter:
    """The protocol's addresses."""
    router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"], responses=problems(401, 403, 429))
    _add_metadata(router, counter)
    described: dict[str, Any] = {
        "response_model": InferResponse,
        "responses": problems(400, 404, 408, 413, 422, 503),
        "openapi_extra": {"requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}},
    }

    @router.post("/models/{name}/infer", summary="Run a model", **described)
    async def infer(name: str, request: Request) -> Response:
        """One input of (samples, …) as the model's metadata says; finite numbers only."""
        return await _inferred(counter, name, request)

    @router.post("/models/{name}/versions/{version}/infer", summary="Run a model's version", **described)
    async def infer_version(name: str, version: str, request: Request) -> Response:
        """The same; there is one version."""
        _require_version(version)
        return await _inferred(counter, name, request)

    return router


def _add_metadata(router: APIRouter, counter: Counter) -> None:
    @router.get("", summary="What is this server?")
    async def server() -> ServerMetadata:
        """Name and version."""
        return server_metadata(installed("affectd"))

    @router.get("/health/live", summary="Is it alive?")
    async def live() -> Live:
        """Yes, if it answers."""
        return Live(live=True)

    @router.get("/health/ready", summary="Will it answer?")
    async def ready() -> Ready:
        """Whether there is room for a request now."""
        return Ready(ready=counter.is_ready())

    @router.get("/models/{name}", summary="What is this model?", responses=problems(404, 422))
    async def metadata(name: str) -> ModelMetadata:
        """Its inputs and outputs."""
        return model_metadata(_net(counter, name).card)

    @router.get("/models/{name}/versions/{version}", summary="What is this version?", responses=problems(404, 422))
    async def version_metadata(name: str, version: str) -> ModelMetadata:
        """The same; there is one version."""
        _require_version(version)
        return model_metadata(_net(counter, name).card)

    @router.get("/models/{name}/ready", summary="Is this model ready?", responses=problems(404, 422))
    async def model_ready(name: str) -> ModelReady:
        """All that are known are."""
        return ModelReady(name=_net(counter, name).card.id, ready=counter.is_ready())

    @router.get("/models/{name}/versions/{version}/ready", summary="Is it ready?", responses=problems(404, 422))
    async def version_ready(name: str, version: str) -> ModelReady:
        """The same; there is one version."""
        _require_version(version)
        return ModelReady(name=_net(counter, name).card.id, ready=counter.is_ready())


async def _inferred(counter: Counter, name: str, request: Request) -> Response:
    net = _net(counter, name)
    counter.office.require_room()
    with counter.cloakroom.shelf() as shelf:
        body = await read_body(request, shelf, most_bytes=_most_bytes(net, counter.most_samples))
        answer = await while_connected(request, counter.office.do(lambda: run(net, body, counter.most_samples)))
    return Response(answer, media_type="application/json")


def _most_bytes(net: BatchingNet, most_samples: int) -> int:
    """What is enough for a request's JSON."""
    return _HEAD_BYTES + most_samples * _numbers(net) * _NUMBER_BYTES


def _require_few_lists(net: BatchingNet, body: bytes, most_samples: int) -> None:
    """Of pages of empty lists a reader would make forty times as many bytes. Raises ``RequestError``."""
    if body.count(b"[") + body.count(b"{") > _HEAD_LISTS + 2 * most_samples * _numbers(net):
        raise RequestError("malformed-request", f"there are more lists in it than {most_samples} samples have numbers")


def _numbers(net: BatchingNet) -> int:
    """Of a sample."""
    return prod(net.card.input.shape[1:])


def run(net: BatchingNet, body: bytes, most_samples: int) -> str:
    """A request's JSON to its answer's. Raises ``RequestError``."""
    _require_few_lists(net, body, most_samples)
    with _refused_as("malformed-request"):
        asked = read_request(body)
    with _refused_as("invalid-tensor"):
        values = input_values(asked, net.card, max_batch=most_samples)
    (output,) = net.batch(values)
    return infer_response(asked, net.card, output).model_dump_json(exclude_none=True)


@contextmanager
def _refused_as(code: str) -> Iterator[None]:
    try:
        yield
    except InferenceError as error:
        raise RequestError(code, str(error)) from error


def _net(counter: Counter, name: str) -> BatchingNet:
    if name not in counter.nets:
        raise RequestError("unknown-model", f"there is no model {name!r}; known are {', '.join(counter.nets)}")
    return counter.nets[name]


def _require_version(version: str) -> None:
    if version != VERSION:
        raise RequestError("unknown-model", f"there is no version {version!r}; there is {VERSION!r} alone")


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
