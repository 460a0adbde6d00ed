"""Quantization ranges of a calibrated file, corrected where its tensors have others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema  # noqa: TID251 - the file format, not a runtime

from device.arrays import FloatArray
from quantize.conversion.graph import FILE_IDENTIFIER, DebugInterpreter

Ranges = dict[int, tuple[float, float]]

_SAME = 0.01
_KEPT_WHOLE = (
    schema.BuiltinOperator.SOFTMAX,
    schema.BuiltinOperator.LOGISTIC,
    schema.BuiltinOperator.TANH,
    schema.BuiltinOperator.RESHAPE,
)
"""Curves bend most where values are far off, and a reshape has one range at both ends."""


def with_true_ranges(calibrated_content: bytes, calibration: Sequence[FloatArray], beyond: float = 0.0) -> bytes:
    """A calibrated float file with each range as its tensor shows it on ``calibration``, model inputs without a batch.

    With ``beyond`` that share of a tensor's values may lie above its range, and below it: a few that are far off would
    cost all others accuracy (Wu et al., 2020). What enters or leaves the net, a curve or a reshape keeps its range.

    TensorFlow's calibrator looks at a tensor when its operator is done, but some operators work in place: what a
    product gives is then logged together with the sum that was written over it. Here all tensors are kept apart. Ranges
    that differ by no more than kernels do stay as they are.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(calibrated_content, 0))
    (graph,) = model.subgraphs
    ranged = {number: tensor.name.decode() for number, tensor in enumerate(graph.tensors) if _has_range(tensor)}
    whole = _kept_whole(model, graph)
    found = _ranges(calibrated_content, calibration, ranged, {n: 0.0 if n in whole else beyond for n in ranged})
    wrong = {number: true for number, true in found.items() if _is_wrong(graph.tensors[number].quantization, *true)}
    if not wrong:
        return calibrated_content
    for number, (low, high) in wrong.items():
        quantization = graph.tensors[number].quantization
        quantization.min, quantization.max = np.array([low], np.float32), np.array([high], np.float32)
    builder = flatbuffers.Builder(len(calibrated_content))
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


def _has_range(tensor: Any) -> bool:
    quantization = tensor.quantization
    return quantization is not None and quantization.min is not None and len(quantization.min) == 1


def _is_wrong(quantization: Any, low: float, high: float) -> bool:
    return bool(max(abs(quantization.min[0] - low), abs(quantization.max[0] - high)) > _SAME * (high - low))


def _kept_whole(model: Any, graph: Any) -> set[int]:
    """The tensors of which nothing may be cut off."""
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    ends = {int(number) for number in (*graph.inputs, *graph.outputs)}
    for operator in graph.operators:
        if codes[operator.opcodeIndex] in _KEPT_WHOLE:
            ends |= {int(number) for number in (*operator.inputs, *operator.outputs)}
    return ends


def _ranges(
    content: bytes, calibration: Sequence[FloatArray], names: Mapping[int, str], beyond: Mapping[int, float]
) -> Ranges:
    net = DebugInterpreter(content)
    found: dict[int, tuple[FloatArray, FloatArray]] = {}
    for values in calibration:
        net(values)
        for number, name in names.items():
            seen = net.tensor(name).ravel()
            if not seen.size:  # a fused LSTM's own scratch
                continue
            count = 1 + int(beyond[number] * seen.size * len(calibration))
            low, high = found.get(number, (seen[:0], seen[:0]))
            found[number] = -_largest(np.concatenate([-low, -seen]), count), _largest(np.append(high, seen), count)
    return {number: _between(low, high) for number, (low, high) in found.items()}


def _between(lowest: FloatArray, highest: FloatArray) -> tuple[float, float]:
    """Without all of these but the innermost, or with them where nothing else differs."""
    low, high = float(lowest.max()), float(highest.min())
    return (low, high) if low < high else (float(lowest.min()), float(highest.max()))


def _largest(values: FloatArray, count: int) -> FloatArray:
    return values if len(values) <= count else np.partition(values, -count)[-count:]
