"""Graph of a .tflite file: its operators, the types of its tensors, and an interpreter that keeps all of them."""

from __future__ import annotations

from dataclasses import dataclass

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema  # noqa: TID251 - the file format, not a runtime

from device.arrays import FloatArray
from device.errors import ModelError

FILE_IDENTIFIER = b"TFL3"


@dataclass(frozen=True, slots=True)
class Graph:
    """Operator names in order (a custom or Flex operator under its own name) and the types that tensors have."""

    operators: tuple[str, ...]
    tensor_types: frozenset[str]

    @property
    def is_integer(self) -> bool:
        """No tensor holds floating-point numbers and no operator is foreign to TFLite."""
        return not any(t.startswith(("FLOAT", "COMPLEX", "BFLOAT")) for t in self.tensor_types) and not any(
            name.startswith("Flex") for name in self.operators
        )


@dataclass(frozen=True, slots=True)
class Operation:
    """One operator of a file, the name of the tensor that it gives, and how many scales its weights have.

    ``scales`` is 0 in a float file, 1 where all weights share a scale, else one for each output channel.
    """

    operator: str
    output: str
    scales: int


def read_graph(content: bytes, name: str) -> Graph:
    """Read all subgraphs of a file's content. Raises ``ModelError`` that says ``name`` if it is no model."""
    model = _unpacked(content, name)
    return Graph(
        operators=tuple(_name(model.operatorCodes[op.opcodeIndex]) for g in model.subgraphs for op in g.operators),
        tensor_types=frozenset(_names(schema.TensorType)[t.type] for g in model.subgraphs for t in g.tensors),
    )


def read_operations(content: bytes, name: str) -> tuple[Operation, ...]:
    """The operators of the first subgraph, in the order they run. Raises ``ModelError`` like ``read_graph``."""
    model = _unpacked(content, name)
    graph = model.subgraphs[0]
    return tuple(
        Operation(
            operator=_name(model.operatorCodes[op.opcodeIndex]),
            output=graph.tensors[op.outputs[0]].name.decode(),
            scales=max((_weight_scales(model, graph.tensors[i]) for i in op.inputs if i >= 0), default=0),
        )
        for op in graph.operators
    )


def with_integer_placeholders(content: bytes) -> bytes:
    """The same model, its empty float tensors declared int16.

    A fused LSTM names tensors for the scales of layer normalisation also where it has none: of no elements and
    never read, but of type float. The result computes the same bytes.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    for tensor in (t for g in model.subgraphs for t in g.tensors):
        if tensor.type == schema.TensorType.FLOAT32 and list(tensor.shape) == [0]:
            tensor.type = schema.TensorType.INT16
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


def _unpacked(content: bytes, name: str) -> schema.ModelT:
    if content[4:8] != FILE_IDENTIFIER:
        raise ModelError(f"{name}: not a TFLite file")
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))


def _weight_scales(model: schema.ModelT, tensor: schema.TensorT) -> int:
    """How many scales a constant tensor of numbers has; 0 for one that is computed, or not quantized."""
    is_constant = model.buffers[tensor.buffer].data is not None
    scale = tensor.quantization.scale if tensor.quantization is not None else None
    return len(scale) if is_constant and scale is not None else 0


def _name(code: schema.OperatorCodeT) -> str:
    if code.customCode:
        return str(code.customCode.decode())
    # Old files keep the code in a byte, new ones in an int; the larger of the two is the one in use.
    return _names(schema.BuiltinOperator)[max(code.builtinCode, code.deprecatedBuiltinCode)]


def _names(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


class DebugInterpreter:
    """A file in an interpreter that keeps every tensor, which those of the appliance do not."""

    def __init__(self, content: bytes) -> None:
        from ai_edge_litert import interpreter as litert  # noqa: TID251 - looks inside a net

        self._interpreter = litert.Interpreter(
            model_content=content,
            experimental_op_resolver_type=litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=True,
        )
        self._interpreter.allocate_tensors()
        self._details = {detail["name"]: detail for detail in self._interpreter.get_tensor_details()}
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]["name"]

    def __call__(self, values: FloatArray) -> FloatArray:
        """Run the net on one input without its batch; its output, float32."""
        self._interpreter.reset_all_variables()
        scale, zero_point = self._input["quantization"]
        given = values[np.newaxis]
        if scale:
            given = np.clip(np.rint(given / scale) + zero_point, -128, 127).astype(np.int8)
        self._interpreter.set_tensor(self._input["index"], given)
        self._interpreter.invoke()
        return self.tensor(self._output)

    def tensor(self, name: str) -> FloatArray:
        """What the last run left in a tensor, float32."""
        detail = self._details[name]
        scale, zero_point = detail["quantization"]
        values = self._interpreter.get_tensor(detail["index"]).astype(np.float32)
        return np.asarray((values - zero_point) * scale if scale else values, dtype=np.float32)
