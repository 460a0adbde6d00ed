"""Sensitivity of a net to int8, layer by layer: each one in int8 alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.progress import track
from scipy.stats import entropy

from device.arrays import FloatArray
from device.models.card import Served
from quantize.conversion import calibration, convert
from quantize.conversion.graph import DebugInterpreter, Operation, read_operations
from quantize.evaluation.evaluate import Version
from quantize.evaluation.metrics import served_of
from quantize.files import sha256_of
from quantize.inputs.preprocess import preprocess
from quantize.training import checkpoints, shipped
from quantize.training.recipe import Recipe

_SEED = 5
_SAMPLES = 200
PASSING_ON = {"MAX_POOL_2D", "RESHAPE", "REVERSE_V2", "STRIDED_SLICE", "CONCATENATION", "TRANSPOSE", "QUANTIZE"}
"""Operators that hand integers on as they are; they can hurt nothing."""
FLOOR = 1 / 512
"""Half a step of an int8 answer: below it an int8 net tells 0, and a divergence would be of what it cannot tell."""


@dataclass(frozen=True, slots=True)
class Harm:
    """What int8 does to the answers, against the float net's: mean KL divergence in nats, and labels that change."""

    divergence_nats: float
    changed_labels: int


@dataclass(frozen=True, slots=True)
class LayerHarm:
    """One layer, ``kind`` its Keras class, that is int8 ``alone``."""

    layer: str
    kind: str
    alone: Harm


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """The layers of one net, that which hurts most alone first. Answers are those that are served."""

    model: str
    net_sha256: str
    served: Served | None = None
    int8_sha256: str
    dataset: str
    protocol: str
    samples: int
    calibrated_on: int
    whole: Harm
    layers: tuple[LayerHarm, ...]

    @property
    def made_of(self) -> tuple[Version, ...]:
        """The int8 file."""
        return (Version(self.int8_sha256, self.served),)


def study(
    recipe: Recipe,
    root: Path,
    *,
    run: Path | None = None,
    calibration_path: Path | None = None,
    samples: int = _SAMPLES,
) -> Sensitivity:
    """Quantize the net of ``run``, by default the one that ships, layer by layer. Raises ``AffectdError``.

    It is asked about samples of the validation part or, without one, of the test part.
    """
    run, split, served = (
        run or shipped.folder_of(recipe),
        recipe.dataset.split(root),
        shipped.served_when_shipped(recipe),
    )
    checkpoints.require_state(run)
    model, tail = checkpoints.load_net(run), recipe.calibration_tail
    calibrating = calibration.inputs(recipe, calibration_path or calibration.path_of(recipe, run), split.train)
    name, part = ("validation", split.validation) if len(split.validation) else ("test", split.test)
    order = np.random.default_rng(_SEED).permutation(len(part))
    drawn = preprocess(recipe.front_end, part.take(sorted(int(i) for i in order[:samples])), name)
    inputs = recipe.front_end.inputs(drawn)
    with TemporaryDirectory() as folder:
        float_path, int8_path = Path(folder) / "float.tflite", Path(folder) / "int8.tflite"
        convert.to_float(model, float_path)
        convert.to_int8(model, calibrating, int8_path, beyond=tail)
        float_file, int8_sha256 = float_path.read_bytes(), sha256_of(int8_path)
    calibrated = convert.int8_of(model, calibrating, beyond=tail)
    whole, layers = _harms(model, float_file, calibrated, lambda file: _answers(file, inputs, served))
    return Sensitivity(
        model=recipe.id,
        net_sha256=sha256_of(run / checkpoints.RESULT),
        served=served,
        int8_sha256=int8_sha256,
        dataset=recipe.dataset.name,
        protocol=f"{name} samples drawn with seed {_SEED}, {split.note}; int8 calibrated on pinned training samples",
        samples=len(inputs),
        calibrated_on=len(calibrating),
        whole=whole,
        layers=layers,
    )


def _harms(
    model: Any, float_file: bytes, calibrated: bytes, ask: Callable[[bytes], FloatArray]
) -> tuple[Harm, tuple[LayerHarm, ...]]:
    expected, operations = ask(float_file), read_operations(float_file, model.name)

    def harm(kept: Sequence[str]) -> Harm:
        left_float = [operation.output for operation in operations if operation.output not in kept]
        return harm_of(ask(convert.quantized(calibrated, left_float=left_float)), expected)

    layers = [
        LayerHarm(layer, type(model.get_layer(layer)).__name__, harm(outputs))
        for layer, outputs in track(layers_of(operations, model).items(), "layers", transient=True)
    ]
    whole = harm([operation.output for operation in operations])
    return whole, tuple(sorted(layers, key=lambda layer: -layer.alone.divergence_nats))


def _answers(content: bytes, inputs: FloatArray, served: Served) -> FloatArray:
    """What is served of a file's answers to the inputs, (n, 7)."""
    net = DebugInterpreter(content)
    return served_of(served, np.concatenate([net(values) for values in inputs]))


def layers_of(operations: Sequence[Operation], model: Any) -> dict[str, list[str]]:
    """The output tensors that each Keras layer computes, by the layer's name.

    A fused tensor bears the names of all it was made of; the first layer of the net among them counts. One without a
    layer's name (a fused LSTM's) belongs with the next operator that has one; after the last (the answer's) with the
    one before.
    """
    order = [layer.name for layer in model.layers]
    named = [_layer_in(operation.output, model.name, order) for operation in operations]
    layers: dict[str, list[str]] = {}
    layer = order[-1]
    for number, operation in enumerate(operations):
        if operation.operator not in PASSING_ON:
            layer = next((name for name in named[number:] if name), layer)
            layers.setdefault(layer, []).append(operation.output)
    return layers


def _layer_in(tensor: str, net: str, order: list[str]) -> str | None:
    paths = [part.split("/") for part in tensor.split(";")]
    named = [path[1] for path in paths if len(path) > 1 and path[0] == net and path[1] in order]
    return min(named, key=order.index, default=None)


def harm_of(probs: FloatArray, expected: FloatArray) -> Harm:
    """Mean KL(expected ‖ probs) in nats and the number of other labels; both (n, 7)."""
    p, q = (np.maximum(values.astype(np.float64), FLOOR) for values in (expected, probs))
    divergence = float(entropy(p, q, axis=1).mean())
    return Harm(divergence, int((probs.argmax(axis=1) != expected.argmax(axis=1)).sum()))
