"""The Open Inference Protocol (KServe v2) in JSON for the bare nets: names, shapes and numbers. No transport is in it.

Specification: https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol
"""

from __future__ import annotations

from math import prod
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError

from device.arrays import FloatArray
from device.errors import AffectdError
from device.models.card import Card, TensorSpec

INPUT, OUTPUT = "input", "probabilities"
"""What the ends of every exported net are called."""

VERSION = "1"
"""A net is known by the hash on its card; the protocol and Triton's folders want a number beside it."""

PLATFORM = "onnxruntime_onnx"
_DATATYPES = {"float32": "FP32"}

MAX_MEMBERS = 1000
"""Of all objects of a request together, counted by their colons."""

Parameters = dict[str, bool | int | float | str]


class InferenceError(AffectdError):
    """A request that does not fit the net. The sentence is for whoever sent it."""


class _Part(BaseModel):
    """Nothing changes it, nothing is converted, and nothing unknown is in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, protected_namespaces=())


class InputTensor(_Part):
    """Numbers for the net's input: row by row in one list, or nested as ``shape`` says. The batch is first."""

    name: str
    shape: Annotated[list[int], FailFast()]
    datatype: Literal["FP32"]
    data: list[Any]
    parameters: Parameters = {}


class RequestedOutput(_Part):
    """An output that is asked for."""

    name: str
    parameters: Parameters = {}


class InferRequest(_Part):
    """What `/v2/models/{name}/infer` takes. ``parameters`` are allowed and have no meaning here."""

    id: str | None = Field(None, max_length=128, description="Comes back in the response.")
    inputs: list[InputTensor] = Field(min_length=1, max_length=1)
    outputs: list[RequestedOutput] = Field([], max_length=1, description="Empty: all.")
    parameters: Parameters = {}


class OutputTensor(_Part):
    """What an output of the net said, row by row in one list."""

    name: str
    shape: list[int]
    datatype: Literal["FP32"]
    data: list[float]


class InferResponse(_Part):
    """What `/v2/models/{name}/infer` gives. Write it with ``exclude_none``."""

    model_name: str
    model_version: str
    id: str | None
    outputs: list[OutputTensor]


class TensorMetadata(_Part):
    """An end of a net; -1 in ``shape`` is the batch."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(_Part):
    """What `/v2/models/{name}` gives. ``parameters`` say what the numbers mean: features, labels, rows."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
    parameters: Parameters


class ServerMetadata(_Part):
    """What `/v2` gives."""

    name: str
    version: str
    extensions: list[str]


def read_request(body: bytes) -> InferRequest:
    """The request in a JSON text. Raises ``InferenceError`` that names the field.

    Every unknown or wrong member is an object of its own before the first of them is told: they are limited.
    """
    if body.count(b":") > MAX_MEMBERS:
        raise InferenceError(f"the objects in it have more than {MAX_MEMBERS} members")
    try:
        return InferRequest.model_validate_json(body)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
    if problem["type"] == "json_invalid":
        reason = problem["ctx"]["error"]
        raise InferenceError(f"not JSON ({reason}); tensors are read as JSON, the binary extension is not known here")
    place = ".".join(map(str, problem["loc"])) or "request"
    raise InferenceError(f"{place}: {problem['msg'][:1].lower()}{problem['msg'][1:]}")


def input_values(request: InferRequest, card: Card, *, max_batch: int) -> FloatArray:
    """The numbers for the card's net: finite float32 (n, …), 1 ≤ n ≤ ``max_batch``. Raises ``InferenceError``."""
    (tensor,) = request.inputs
    _require(tensor.name == INPUT, f"there is no input {tensor.name!r}; the net's is {INPUT!r}")
    for output in request.outputs:
        _require(output.name == OUTPUT, f"there is no output {output.name!r}; the net's is {OUTPUT!r}")
    _require_shape(tensor.shape, card, max_batch)
    return _numbers(tensor)


def infer_response(request: InferRequest, card: Card, probabilities: FloatArray) -> InferResponse:
    """The answer for a net's only output, float32 (n, …)."""
    output = OutputTensor(
        name=OUTPUT,
        shape=list(probabilities.shape),
        datatype="FP32",
        data=probabilities.astype(np.float32).ravel().tolist(),
    )
    return InferResponse(model_name=card.id, model_version=VERSION, id=request.id, outputs=[output])


def model_metadata(card: Card) -> ModelMetadata:
    """A net by its card."""
    return ModelMetadata(
        name=card.id,
        versions=[VERSION],
        platform=PLATFORM,
        inputs=[_tensor_metadata(INPUT, card.input)],
        outputs=[_tensor_metadata(OUTPUT, output) for output in card.outputs],
        parameters={
            "kind": card.kind,
            "features": card.features,
            "labels": ",".join(card.labels),
            "answers": ",".join(answer.name for answer in card.answers),
            "sha256": card.sha256,
        },
    )


def server_metadata(version: str) -> ServerMetadata:
    """This server. No extension of the protocol is spoken, the binary one neither."""
    return ServerMetadata(name="affectd-server", version=version, extensions=[])


def _tensor_metadata(name: str, spec: TensorSpec) -> TensorMetadata:
    return TensorMetadata(name=name, datatype=_DATATYPES[spec.dtype], shape=[-1, *spec.shape[1:]])


def _require_shape(shape: list[int], card: Card, max_batch: int) -> None:
    wanted = list(card.input.shape[1:])
    _require(shape[1:] == wanted, f"shape {shape[:8]} of the input is not the net's {[-1, *wanted]} (-1: the batch)")
    _require(1 <= shape[0] <= max_batch, f"a batch of {shape[0]} samples; send 1 to {max_batch}")


def _numbers(tensor: InputTensor) -> FloatArray:
    # As objects first: one text in it would make numpy write every number as a text as long.
    found = np.asarray(tensor.data, dtype=object)
    size = prod(tensor.shape)
    _require(
        found.shape in ((size,), tuple(tensor.shape)),
        f"the data of {tensor.name!r} are not the {size} numbers that shape {tensor.shape} asks for",
    )
    _require(set(map(type, found.flat)) <= {int, float}, f"the data of {tensor.name!r} are not all numbers")
    values = _as_float32(found).reshape(tensor.shape)
    _require(bool(np.isfinite(values).all()), f"the data of {tensor.name!r} have NaN, infinity or a number beyond FP32")
    return values


def _as_float32(numbers: Any) -> FloatArray:
    try:
        with np.errstate(over="ignore"):
            return np.asarray(numbers, dtype=np.float64).astype(np.float32)
    except OverflowError:  # a whole number of 309 digits or more
        return np.full(numbers.size, np.inf, dtype=np.float32)


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise InferenceError(problem)
