"""A run's best net in the forms that other runtimes read, each loaded back and held against the net."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.errors import AffectdError, ModelError
from device.models.tflite import TfliteModel
from device.readings import EMOTIONS
from quantize import cards, checkpoints, convert
from quantize.checkpoints import write_beside
from quantize.publish import described
from quantize.recipe import Recipe

FloatArray = NDArray[np.float32]

INPUT, OUTPUT = "input", "probabilities"
OPSET = 17
"""Of ONNX; every ONNX Runtime since 1.12 (2022) has it."""
PROBES = 64
TOLERANCE = 1e-4
"""A float form may differ so much in a probability: 40 times finer than one step of an int8 answer (1/256)."""
PROTOCOL = f"{PROBES} inputs of seeded noise, its standard deviation from 0.01 to 2; the net's whole output is compared"
LIST = "export.json"


@dataclass(frozen=True, slots=True)
class Form:
    """One file, or folder, that was written. ``sha256`` is by path, of every file in it, below the export's folder."""

    file: str
    bytes: int
    sha256: dict[str, str]
    largest_difference: float


@dataclass(frozen=True, slots=True)
class Export:
    """What was exported of which net. All forms but the ``.tflite`` (batch 1) take any batch as their first axis.

    ``output_shape`` and ``input_shape`` are without the batch; ``largest_difference`` of a form is of probabilities.
    """

    model: str
    net_sha256: str
    features: str
    labels: tuple[str, ...]
    input: str
    input_shape: tuple[int, ...]
    output: str
    output_shape: tuple[int, ...]
    onnx_opset: int
    protocol: str
    tolerance: float
    forms: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class _Way:
    """How one form is written and asked."""

    suffix: str
    write: Callable[[Any, Path], None]
    ask: Callable[[Path, FloatArray], NDArray[Any]]


def export(recipe: Recipe, run: Path, folder: Path) -> Export:
    """Write ``<id>-float32.tflite`` with its card, ``<id>.onnx``, ``<id>.savedmodel`` and ``export.json``.

    Nothing is left in ``folder`` unless all of them answer like the net. Raises ``AffectdError``.
    """
    checkpoints.require_state(run)
    model = checkpoints.load_net(run)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix="new-") as made:
            forms = _checked_forms(recipe, model, Path(made))
            for path in Path(made).iterdir():
                _put(path, folder)
    except OSError as error:
        raise AffectdError(
            f"{folder}: cannot write the exports ({error.strerror}); make room or choose another --out"
        ) from error
    result = _told(recipe, model, run, forms)
    write_beside(folder / LIST, (json.dumps(asdict(result), indent=1) + "\n").encode())
    return result


def _checked_forms(recipe: Recipe, model: Any, folder: Path) -> tuple[Form, ...]:
    ways = (
        _Way("-float32.tflite", partial(_write_tflite, recipe), _ask_tflite),
        _Way(".onnx", _write_onnx, _ask_onnx),
        _Way(".savedmodel", _write_saved_model, _ask_saved_model),
    )
    inputs = probes(model.input_shape[1:])
    expected = model(inputs, training=False).numpy()
    return tuple(_checked(way, model, folder / f"{recipe.id}{way.suffix}", inputs, expected) for way in ways)


def _checked(way: _Way, model: Any, path: Path, inputs: FloatArray, expected: FloatArray) -> Form:
    way.write(model, path)
    difference = largest_difference(way.ask(path, inputs), expected)
    # Written so that NaN is refused, too.
    if not difference <= TOLERANCE:
        raise ModelError(
            f"{path.name}: its answers differ from the net's by up to {difference:.2g}, more than {TOLERANCE:g}; "
            "nothing was exported; train again, or report the net"
        )
    files = sorted(file for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())
    sums = {str(file.relative_to(path.parent)): _sha256(file) for file in files}
    return Form(path.name, sum(file.stat().st_size for file in files), sums, difference)


def probes(shape: tuple[int, ...]) -> FloatArray:
    """Seeded inputs, float32 (64, *shape): noise from faint, where answers are even, to loud."""
    deviations = np.geomspace(0.01, 2, PROBES).reshape(-1, *(1 for _ in shape))
    return (np.random.default_rng(1).normal(size=(PROBES, *shape)) * deviations).astype(np.float32)


def largest_difference(found: NDArray[Any], expected: FloatArray) -> float:
    """The largest absolute difference. Raises ``ModelError`` if the shapes are not the same."""
    if found.shape != expected.shape:
        raise ModelError(f"an exported net answers in shape {found.shape}, the net itself in {expected.shape}")
    return float(np.abs(found - expected).max())


def _write_tflite(recipe: Recipe, model: Any, path: Path) -> None:
    convert.to_float(model, path)
    about = {"description": recipe.description, "terms": recipe.dataset.terms, "intended_use": recipe.intended_use}
    card = described(recipe, path, about=about)
    cards.write_card(card, path.parent)


def _ask_tflite(path: Path, inputs: FloatArray) -> NDArray[Any]:
    from device.models.card import read_card

    model = TfliteModel(read_card(path.with_suffix(".json")), path.parent)
    return np.stack([model(values)[0] for values in inputs])


def _write_onnx(model: Any, path: Path) -> None:
    import tf2onnx

    function, signature = _function(model)
    proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET)
    for end in (proto.graph.input[0], proto.graph.output[0]):
        end.type.tensor_type.shape.dim[0].dim_param = "batch"
    write_beside(path, proto.SerializeToString())


def _ask_onnx(path: Path, inputs: FloatArray) -> NDArray[Any]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    # One alone and the others together: a server does both.
    return np.concatenate([session.run([OUTPUT], {INPUT: batch})[0] for batch in (inputs[:1], inputs[1:])])


def _write_saved_model(model: Any, path: Path) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.variables_of_net = model.variables
    module.answer, _ = _function(model)
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.answer})


def _ask_saved_model(path: Path, inputs: FloatArray) -> NDArray[Any]:
    import tensorflow as tf

    answer = tf.saved_model.load(str(path)).signatures["serving_default"]
    return np.concatenate([answer(**{INPUT: tf.constant(b)})[OUTPUT].numpy() for b in (inputs[:1], inputs[1:])])


def _function(model: Any) -> tuple[Any, list[Any]]:
    """The net with its ends named, for any batch."""
    import tensorflow as tf

    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name=INPUT)]
    return tf.function(lambda values: {OUTPUT: model(values, training=False)}, input_signature=signature), signature


def _put(path: Path, folder: Path) -> None:
    """Move it there in place of what has its name."""
    target = folder / path.name
    if target.is_dir():
        shutil.rmtree(target)
    path.replace(target)


def _told(recipe: Recipe, model: Any, run: Path, forms: tuple[Form, ...]) -> Export:
    return Export(
        model=recipe.id,
        net_sha256=_sha256(run / checkpoints.RESULT),
        features=recipe.front_end.features,
        labels=tuple(str(emotion) for emotion in EMOTIONS),
        input=INPUT,
        input_shape=tuple(model.input_shape[1:]),
        output=OUTPUT,
        output_shape=tuple(model.output_shape[1:]),
        onnx_opset=OPSET,
        protocol=PROTOCOL,
        tolerance=TOLERANCE,
        forms=forms,
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
