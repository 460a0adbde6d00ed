"""``/v2``: the bare models by the Open Inference Protocol (KServe's V2), JSON over HTTP.

https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol. Features go in, a net's own output
comes out: neither is calibrated or fused. Errors are problem documents with the protocol's ``error`` beside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version as installed
from typing import Any, Literal

import numpy as np
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from desktop_server.batching import BatchingNet
from desktop_server.errors import RequestError
from desktop_server.http.body import Cloakroom, read_body
from desktop_server.http.describe import problems
from desktop_server.http.office import Office
from device.models.card import Card, TensorSpec
from device.models.net import FloatArray

VERSION = "1"
INPUT, OUTPUT = "input", "probabilities"
"""As in the files: an emotion net has one of each."""
PLATFORM = "onnxruntime_onnx"


class Tensor(BaseModel):
    """Values in the order of the last dimension first: flat, or nested as the shape says."""

    model_config = ConfigDict(extra="forbid")

    name: str
    shape: list[int]
    datatype: Literal["FP32"]
    data: list[Any]
    parameters: dict[str, Any] = {}


class Wanted(BaseModel):
    """An output by its name."""

    model_config = ConfigDict(extra="forbid")

    name: str
    parameters: dict[str, Any] = {}


class InferRequest(BaseModel):
    """The protocol's request for one run of a model."""

    model_config = ConfigDict(extra="forbid")

    id: str | None = None
    inputs: list[Tensor] = Field(min_length=1, max_length=1)
    outputs: list[Wanted] = []
    parameters: dict[str, Any] = {}


class InferResponse(BaseModel):
    """The protocol's answer."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[Tensor]


class TensorMetadata(BaseModel):
    """A tensor's shape; -1 is the number of samples."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """What a model is."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ServerMetadata(BaseModel):
    """What the server is."""

    name: str
    version: str
    extensions: list[str]


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
        return ServerMetadata(name="affectd-server", version=installed("affectd"), extensions=[])

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
        return _metadata(_net(counter, name).card)

    @router.get("/models/{name}/versions/{version}", summary="What is this version?", responses=problems(404, 422))
    async def version_metadata(name: str, version: str) -> ModelMetadata:
        """The same; there is one version."""
        _require_version(version)
        return _metadata(_net(counter, name).card)

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
        body = await read_body(request, shelf)
        answer = await counter.office.do(lambda: run(net, body, counter.most_samples))
    return Response(answer, media_type="application/json")


def run(net: BatchingNet, body: bytes, most_samples: int) -> str:
    """A request's JSON to its answer's. Raises ``RequestError``."""
    try:
        asked = InferRequest.model_validate_json(body)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors()[:5])
        raise RequestError("malformed-request", f"not a request of the Open Inference Protocol: {said}") from error
    if unknown := [wanted.name for wanted in asked.outputs if wanted.name != OUTPUT]:
        raise RequestError("invalid-tensor", f"there is no output {unknown[0]!r}; its name is {OUTPUT!r}")
    (output,) = net.batch(_values(asked.inputs[0], net.card, most_samples))
    answer = InferResponse(model_name=net.card.id, model_version=VERSION, id=asked.id, outputs=[_tensor(output)])
    return answer.model_dump_json(exclude_none=True, exclude_defaults=True)


def _values(tensor: Tensor, card: Card, most_samples: int) -> FloatArray:
    expected = list(card.input.shape[1:])
    if tensor.name != INPUT:
        raise RequestError("invalid-tensor", f"there is no input {tensor.name!r}; its name is {INPUT!r}")
    if tensor.shape[1:] != expected or not 1 <= tensor.shape[0] <= most_samples:
        raise RequestError(
            "invalid-tensor",
            f"shape {tensor.shape}: it must be [n, {', '.join(map(str, expected))}], n ≤ {most_samples}",
        )
    values = _numbers(tensor.data)
    if values.size != math.prod(tensor.shape):
        raise RequestError("invalid-tensor", f"{values.size} numbers do not fill the shape {tensor.shape}")
    if not np.isfinite(values).all():
        raise RequestError("invalid-tensor", "there are numbers that are not finite in FP32")
    return values.reshape(tensor.shape)


def _numbers(data: list[Any]) -> FloatArray:
    try:
        with np.errstate(over="ignore"):  # too large for FP32 is found as infinite
            array = np.asarray(data)
            if array.dtype.kind not in "fiu":
                raise ValueError("not numbers")
            return array.astype(np.float32)
    except (ValueError, TypeError, OverflowError) as error:
        raise RequestError("invalid-tensor", "the data must be numbers, flat or nested as the shape says") from error


def _tensor(values: FloatArray) -> Tensor:
    return Tensor(name=OUTPUT, shape=list(values.shape), datatype="FP32", data=values.ravel().tolist())


def _net(counter: Counter, name: str) -> BatchingNet:
    if name not in counter.nets:
        raise RequestError("unknown-model", f"there is no model {name!r}; known are {', '.join(counter.nets)}")
    return counter.nets[name]


def _require_version(version: str) -> None:
    if version != VERSION:
        raise RequestError("unknown-model", f"there is no version {version!r}; there is {VERSION!r} alone")


def _metadata(card: Card) -> ModelMetadata:
    return ModelMetadata(
        name=card.id,
        versions=[VERSION],
        platform=PLATFORM,
        inputs=[_described(INPUT, card.input)],
        outputs=[_described(OUTPUT, spec) for spec in card.outputs],
    )


def _described(name: str, spec: TensorSpec) -> TensorMetadata:
    return TensorMetadata(name=name, datatype="FP32", shape=[-1, *spec.shape[1:]])


_SCHEMA = InferRequest.model_json_schema()
"""Without references, as a request's body is described where it is."""
_SCHEMA = {
    **{key: value for key, value in _SCHEMA.items() if key != "$defs"},
    "properties": {
        **_SCHEMA["properties"],
        "inputs": {**_SCHEMA["properties"]["inputs"], "items": _SCHEMA["$defs"]["Tensor"]},
        "outputs": {**_SCHEMA["properties"]["outputs"], "items": _SCHEMA["$defs"]["Wanted"]},
    },
}
