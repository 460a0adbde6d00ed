"""TFLite model behind one interpreter: float arrays in, float arrays out, whatever the file's own types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.arrays import FloatArray
from device.errors import ModelError
from device.models.card import DETECTOR_KIND, Card, TensorSpec, verify_file
from device.models.runtime import open_interpreter, runtime_name


class TfliteModel:
    """A verified model. It belongs to one thread.

    Calling it takes a float32 array an input, of its shape in the card without the batch, and gives one an output,
    likewise. ``runtime`` is the package that runs it; empty: the first that is installed. Raises ``ModelError`` at
    construction if the runtime is not there, or if it, hash, shapes, types or scales are not the card's.
    """

    def __init__(self, card: Card, folder: Path, *, runtime: str = "") -> None:
        self.card = card
        _require_its_runtime(card, runtime_name(runtime))
        self._interpreter = open_interpreter(verify_file(card, folder), runtime)
        if card.kind == DETECTOR_KIND:
            _resize(self._interpreter, card)
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        _require_same(card, "input", list(card.inputs), inputs)
        _require_same(card, "output", list(card.outputs), outputs)
        self._input_indices = [i["index"] for i in inputs]
        self._output_indices = [o["index"] for o in outputs]

    def __call__(self, *values: FloatArray) -> tuple[FloatArray, ...]:
        """Run the net once."""
        # A fused LSTM keeps its state from one invoke() to the next unless it is told to forget.
        self._interpreter.reset_all_variables()
        for index, spec, given in zip(self._input_indices, self.card.inputs, values, strict=True):
            self._interpreter.set_tensor(index, _to_tensor(given, spec))
        self._interpreter.invoke()
        return tuple(
            _from_tensor(self._interpreter.get_tensor(index), spec)
            for index, spec in zip(self._output_indices, self.card.outputs, strict=True)
        )


def _resize(interpreter: Any, card: Card) -> None:
    """A detector is fully convolutional: it may be asked for another size of picture than its file says."""
    details = interpreter.get_input_details()
    changed = [(d, s) for d, s in zip(details, card.inputs, strict=False) if tuple(d["shape"]) != s.shape]
    for detail, spec in changed:
        interpreter.resize_tensor_input(detail["index"], list(spec.shape))
    if changed:
        interpreter.allocate_tensors()


def _to_tensor(values: FloatArray, spec: TensorSpec) -> NDArray[Any]:
    shaped = values.reshape(spec.shape)
    if spec.dtype == "float32":
        return shaped.astype(np.float32, copy=False)
    limits = np.iinfo(spec.dtype)
    quantized = np.rint(shaped / spec.scale) + spec.zero_point
    return np.asarray(np.clip(quantized, limits.min, limits.max), dtype=spec.dtype)


def _from_tensor(tensor: NDArray[Any], spec: TensorSpec) -> FloatArray:
    if spec.dtype == "float32":
        return np.array(tensor[0], dtype=np.float32)
    return np.asarray((tensor[0].astype(np.float32) - spec.zero_point) * spec.scale, dtype=np.float32)


def _require_its_runtime(card: Card, runtime: str) -> None:
    # One that does not know what another's converter writes may load the file and compute nonsense.
    if runtime not in card.runtimes:
        raise ModelError(
            f"model {card.id}: made for {' or '.join(card.runtimes)}, and {runtime} runs here; set models.runtime, or "
            "choose another models.set"
        )


def _require_same(card: Card, side: str, specs: list[TensorSpec], details: list[dict[str, Any]]) -> None:
    found = [spec_of(d) for d in details]
    same = len(found) == len(specs) and all(
        (f.shape, f.dtype, f.zero_point) == (s.shape, s.dtype, s.zero_point) and np.isclose(f.scale, s.scale, rtol=1e-5)
        for f, s in zip(found, specs, strict=True)
    )
    if not same:
        raise ModelError(
            f"model {card.id}: the file's {side} is {found}, the card says {specs}; install the model again"
        )


def spec_of(detail: dict[str, Any]) -> TensorSpec:
    """What a runtime's ``get_input_details()`` or ``get_output_details()`` says of one tensor."""
    scale, zero_point = detail["quantization"]
    return TensorSpec(
        shape=tuple(int(n) for n in detail["shape"]),
        dtype=np.dtype(detail["dtype"]).name,
        scale=float(scale),
        zero_point=int(zero_point),
    )
