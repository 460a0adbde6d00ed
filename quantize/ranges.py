"""The ranges that a calibrated file says its tensors have, and the ones that they do have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema  # noqa: TID251 - the file format, not a runtime
from numpy.typing import NDArray

from quantize.graph import FILE_IDENTIFIER
from quantize.open_net import OpenNet

FloatArray = NDArray[np.float32]
Ranges = dict[int, tuple[float, float]]

_SAME = 0.01


def with_true_ranges(calibrated_content: bytes, calibration: Sequence[FloatArray]) -> bytes:
    """A calibrated float file with each range as its tensor shows it on ``calibration``, model inputs without a batch.

    TensorFlow's calibrator looks at a tensor when its operator is done, but some operators work in place: what a
    product gives is then logged together with the sum that was written over it. Here all tensors are kept apart. Ranges
    that differ by no more than kernels do stay as they are.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(calibrated_content, 0))
    (graph,) = model.subgraphs
    ranged = {number: tensor.name.decode() for number, tensor in enumerate(graph.tensors) if _has_range(tensor)}
    found = _ranges(calibrated_content, calibration, ranged)
    wrong = {number: true for number, true in found.items() if _is_wrong(graph.tensors[number].quantization, *true)}
    if not wrong:
        return calibrated_content
    for number, (low, high) in wrong.items():
        told = graph.tensors[number].quantization
        told.min, told.max = np.array([low], np.float32), np.array([high], np.float32)
    builder = flatbuffers.Builder(len(calibrated_content))
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


def _has_range(tensor: Any) -> bool:
    told = tensor.quantization
    return told is not None and told.min is not None and len(told.min) == 1


def _is_wrong(told: Any, low: float, high: float) -> bool:
    return bool(max(abs(told.min[0] - low), abs(told.max[0] - high)) > _SAME * (high - low))


def _ranges(content: bytes, calibration: Sequence[FloatArray], names: Mapping[int, str]) -> Ranges:
    net = OpenNet(content)
    found: Ranges = {}
    for values in calibration:
        net(values)
        for number, name in names.items():
            seen = net.tensor(name)
            if not seen.size:  # a fused LSTM's own scratch
                continue
            low, high = found.get(number, (np.inf, -np.inf))
            found[number] = min(low, float(seen.min())), max(high, float(seen.max()))
    return found
