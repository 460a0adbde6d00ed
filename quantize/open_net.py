"""A .tflite file whose inner tensors can be looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


class OpenNet:
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
