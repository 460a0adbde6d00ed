"""Which layer of a net int8 hurts: each one in int8 alone, and each one spared while all others are."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from device.models.card import Served
from quantize import calibration, checkpoints, convert
from quantize.answers import served_of
from quantize.datasets import Samples, Split
from quantize.graph import Operation, read_operations
from quantize.hearing import heard
from quantize.open_net import OpenNet
from quantize.recipe import Recipe

FloatArray = NDArray[np.float32]

SEED = 5
PASSING_ON = {"MAX_POOL_2D", "RESHAPE", "REVERSE_V2", "STRIDED_SLICE", "CONCATENATION", "TRANSPOSE", "QUANTIZE"}
"""Operators that hand integers on as they are; a layer of such alone can hurt nothing."""
FLOOR = 1 / 512
"""Half a step of an int8 answer: below it an int8 net tells 0, and a divergence would be of what it cannot tell."""


@dataclass(frozen=True, slots=True)
class OperationNoise:
    """One operator of the int8 file and how far its output is from the same tensor of the float file, in decibels.

    10 log10 of the float tensor's energy over the difference's, over all inputs, with all that went wrong before it;
    ``None`` where there is no difference. ``layer`` is the Keras layer that it comes from.
    """

    operator: str
    tensor: str
    layer: str
    signal_to_noise_db: float | None


@dataclass(frozen=True, slots=True)
class Harm:
    """What int8 does to the answers, against the float net's: mean KL divergence in nats, and labels that change."""

    divergence_nats: float
    changed_labels: int


@dataclass(frozen=True, eq=False, slots=True)
class _Asked:
    """What every form of the net is asked."""

    inputs: list[FloatArray]
    served: Served

    def answers(self, content: bytes) -> FloatArray:
        """What a file makes of it, (n, 7)."""
        net = OpenNet(content)
        return served_of(self.served, np.concatenate([net(values) for values in self.inputs]))


@dataclass(frozen=True, slots=True)
class LayerHarm:
    """One layer, ``kind`` its Keras class. ``alone``: only it is int8; ``spared``: all but it are.

    A spared layer reads and writes between int8 neighbours: it heals what its weights lose, not the rounding of its
    output. One without weights that is spared changes nothing, so layers are ranked by ``alone``.
    """

    layer: str
    kind: str
    operators: tuple[str, ...]
    alone: Harm
    spared: Harm


@dataclass(frozen=True, slots=True)
class LayerReport:
    """The layers of one net, that which hurts most alone first; ``finding`` says it in a sentence.

    Answers are those that are served, as ``served`` says.
    """

    model: str
    net_sha256: str
    served: Served
    float_sha256: str
    int8_sha256: str
    dataset: str
    protocol: str
    samples: int
    calibrated_on: int
    whole: Harm
    layers: tuple[LayerHarm, ...]
    operations: tuple[OperationNoise, ...]
    finding: str


def layer_report(
    recipe: Recipe, split: Split, *, run: Path, calibration_path: Path, samples: int, served: Served
) -> LayerReport:
    """Quantize the run's net layer by layer, on samples of the validation part or, without one, of the test part.

    Raises ``AffectdError``.
    """
    checkpoints.require_state(run)
    model = checkpoints.load_net(run)
    chosen = heard(recipe.front_end, calibration.pinned(calibration_path, split.train), "calibration")
    name, part = ("validation", split.validation) if len(split.validation) else ("test", split.test)
    validation = heard(recipe.front_end, _drawn(part, samples), name)
    calibrating, inputs = _inputs(recipe, chosen), _inputs(recipe, validation)
    float_file, int8_file = _files(model, calibrating, recipe.beyond_range)
    owners = layers_of(read_operations(float_file, recipe.id), model)
    calibrated = convert.calibrated(model, calibrating, beyond=recipe.beyond_range)
    whole, layers = _attributed(model, calibrated, float_file, owners, _Asked(inputs, served))
    return LayerReport(
        model=recipe.id,
        net_sha256=hashlib.sha256((run / checkpoints.RESULT).read_bytes()).hexdigest(),
        served=served,
        float_sha256=hashlib.sha256(float_file).hexdigest(),
        int8_sha256=hashlib.sha256(int8_file).hexdigest(),
        dataset=recipe.dataset.name,
        protocol=f"{name} samples drawn with seed {SEED}, {split.note}; int8 calibrated on pinned training samples",
        samples=len(inputs),
        calibrated_on=len(chosen),
        whole=whole,
        layers=layers,
        operations=_noise(float_file, int8_file, owners, inputs),
        finding=finding(whole, layers, len(inputs)),
    )


def layers_of(operations: Sequence[Operation], model: Any) -> dict[str, str]:
    """The Keras layer that computes each operator's output tensor, by the tensor's name.

    A layer that only passes on what one other computed counts as part of that one: to round its output is to round
    the other's. Where several were joined, or what is passed on is the net's own input, it keeps its name.
    """
    named = list(zip(operations, _named(operations, model), strict=True))
    computing = {name for operation, name in named if operation.operator not in PASSING_ON}
    owners: dict[str, str] = {}
    before = model.layers[-1].name
    for operation, name in named:
        sources = {owners[tensor] for tensor in operation.inputs if tensor in owners}
        passes_on = name not in computing and len(sources) == 1
        before = sources.pop() if passes_on else name or before
        owners[operation.output] = before
    return owners


def _named(operations: Sequence[Operation], model: Any) -> list[str | None]:
    """The Keras layer that each operator is named after.

    A fused tensor bears the names of all it was made of; the first layer of the net among them counts. One without a
    layer's name (a fused LSTM's) belongs with the next operator that has one; after the last (the answer's) are none.
    """
    order = [layer.name for layer in model.layers]
    own = [_layer_in(operation.output, model.name, order) for operation in operations]
    return [next((name for name in own[i:] if name), None) for i in range(len(own))]


def _layer_in(tensor: str, net: str, order: list[str]) -> str | None:
    paths = [part.split("/") for part in tensor.split(";")]
    named = [path[1] for path in paths if len(path) > 1 and path[0] == net and path[1] in order]
    return min(named, key=order.index, default=None)


def _attributed(
    model: Any, calibrated: bytes, float_file: bytes, owners: dict[str, str], asked: _Asked
) -> tuple[Harm, tuple[LayerHarm, ...]]:
    expected = asked.answers(float_file)

    def harm(left_float: list[str]) -> Harm:
        return harm_of(asked.answers(convert.quantized(calibrated, left_float=left_float)), expected)

    operators: dict[str, list[str]] = {}
    for operation in read_operations(float_file, model.name):
        operators.setdefault(owners[operation.output], []).append(operation.operator)
    layers = []
    for name, own in track(operators.items(), "layers", transient=True):
        if PASSING_ON.issuperset(own):
            continue
        inside = [tensor for tensor, owner in owners.items() if owner == name]
        outside = [tensor for tensor, owner in owners.items() if owner != name]
        kind = type(model.get_layer(name)).__name__
        layers.append(LayerHarm(name, kind, tuple(own), alone=harm(outside), spared=harm(inside)))
    return harm([]), tuple(sorted(layers, key=lambda layer: -layer.alone.divergence_nats))


def harm_of(probs: FloatArray, expected: FloatArray) -> Harm:
    """Mean KL(expected ‖ probs) in nats and the number of other labels; both (n, 7)."""
    p, q = (np.maximum(values.astype(np.float64), FLOOR) for values in (expected, probs))
    p, q = p / p.sum(axis=1, keepdims=True), q / q.sum(axis=1, keepdims=True)
    divergence = float((p * np.log(p / q)).sum(axis=1).mean())
    return Harm(divergence, int((probs.argmax(axis=1) != expected.argmax(axis=1)).sum()))


def finding(whole: Harm, layers: Sequence[LayerHarm], samples: int) -> str:
    """The layer that hurts most, in a sentence."""
    worst = layers[0]
    return (
        f"int8 hurts most in {worst.layer} ({worst.kind}): alone it moves the answers by "
        f"{worst.alone.divergence_nats:.2g} nats and {worst.alone.changed_labels} of {samples} labels; the whole net "
        f"in int8 moves {whole.divergence_nats:.2g} nats and {whole.changed_labels} labels, with {worst.layer} spared "
        f"{worst.spared.divergence_nats:.2g} and {worst.spared.changed_labels}."
    )


def _noise(
    float_file: bytes, int8_file: bytes, owners: dict[str, str], inputs: list[FloatArray]
) -> tuple[OperationNoise, ...]:
    operations = [o for o in read_operations(int8_file, "int8") if o.output in owners]
    reference, rounded = OpenNet(float_file), OpenNet(int8_file)
    energy, noise = np.zeros(len(operations)), np.zeros(len(operations))
    for values in track(inputs, "tensors", transient=True):
        reference(values), rounded(values)
        for i, operation in enumerate(operations):
            wanted = reference.tensor(operation.output)
            energy[i] += float((wanted**2).sum())
            noise[i] += float(((rounded.tensor(operation.output) - wanted) ** 2).sum())
    return tuple(
        OperationNoise(o.operator, o.output, owners[o.output], _decibels(float(energy[i]), float(noise[i])))
        for i, o in enumerate(operations)
    )


def _decibels(energy: float, noise: float) -> float | None:
    return 10 * math.log10(energy / noise) if energy > 0 and noise > 0 else None


def _files(model: Any, calibrating: list[FloatArray], beyond: float) -> tuple[bytes, bytes]:
    with TemporaryDirectory() as folder:
        float_path, int8_path = Path(folder) / "float.tflite", Path(folder) / "int8.tflite"
        convert.to_float(model, float_path)
        convert.to_int8(model, calibrating, int8_path, beyond=beyond)
        return float_path.read_bytes(), int8_path.read_bytes()


def _drawn(samples: Samples, count: int) -> Samples:
    order = np.random.default_rng(SEED).permutation(len(samples))
    return samples.take(sorted(int(i) for i in order[:count]))


def _inputs(recipe: Recipe, samples: Samples) -> list[FloatArray]:
    return [recipe.front_end.served(signal) for signal in samples.signals]
