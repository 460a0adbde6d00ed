"""Export to float .tflite, ONNX and SavedModel, each loaded back and compared with the net."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.arrays import FloatArray
from device.errors import AffectdError, ModelError
from device.models.card import Card, TensorSpec, card_json, read_card
from quantize.conversion import cards, convert
from quantize.evaluation.evaluate import open_model
from quantize.files import write_file
from quantize.training import checkpoints
from quantize.training.recipe import Recipe

_INPUT, _OUTPUT = "input", "probabilities"
OPSET = 17
"""Of ONNX; every ONNX Runtime since 1.12 (2022) has it."""
PROBES = 64
TWIN_TOLERANCE = 1e-4
"""A float form may differ so much in a probability: 40 times finer than one step of an int8 answer (1/256)."""
TWIN_PROTOCOL = (
    f"{PROBES} inputs of seeded noise, its standard deviation from 0.01 to 2; the net's whole output is compared"
)


@dataclass(frozen=True, slots=True)
class Form:
    """One file, or folder, that was written, and by how much its probabilities differ from the net's at most."""

    file: str
    bytes: int
    largest_difference: float


@dataclass(frozen=True, slots=True)
class _Way:
    """How one form is written and asked."""

    suffix: str
    write: Callable[[Any, Path], None]
    ask: Callable[[Path, FloatArray], NDArray[Any]]


def export(recipe: Recipe, run: Path, folder: Path) -> tuple[Form, ...]:
    """Write ``<id>-float32.tflite`` (batch 1) with its card, ``<id>.onnx`` and ``<id>.savedmodel`` (any batch).

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
    return forms


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
    if not difference <= TWIN_TOLERANCE:
        raise ModelError(
            f"{path.name}: its answers differ from the net's by up to {difference:.2g}, more than {TWIN_TOLERANCE:g}; "
            "nothing was exported; train again, or report the net"
        )
    files = [file for file in (path, *path.rglob("*")) if file.is_file()]
    return Form(path.name, sum(file.stat().st_size for file in files), difference)


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
    cards.write_card(cards.described(recipe, path, about=about), path.parent)


def _ask_tflite(path: Path, inputs: FloatArray) -> NDArray[Any]:
    model = open_model(path)
    return np.stack([model(values)[0] for values in inputs])


def _write_onnx(model: Any, path: Path) -> None:
    import tf2onnx

    function, signature = _function(model)
    proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET)
    for end in (proto.graph.input[0], proto.graph.output[0]):
        end.type.tensor_type.shape.dim[0].dim_param = "batch"
    write_file(path, proto.SerializeToString())


def _ask_onnx(path: Path, inputs: FloatArray) -> NDArray[Any]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    # One alone and the others together: a server does both.
    return np.concatenate([session.run([_OUTPUT], {_INPUT: batch})[0] for batch in (inputs[:1], inputs[1:])])


def _write_saved_model(model: Any, path: Path) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.variables_of_net = model.variables
    module.answer, _ = _function(model)
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.answer})


def _ask_saved_model(path: Path, inputs: FloatArray) -> NDArray[Any]:
    import tensorflow as tf

    answer = tf.saved_model.load(str(path)).signatures["serving_default"]
    return np.concatenate([answer(**{_INPUT: tf.constant(b)})[_OUTPUT].numpy() for b in (inputs[:1], inputs[1:])])


def _function(model: Any) -> tuple[Any, list[Any]]:
    """The net with its ends named, for any batch."""
    import tensorflow as tf

    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name=_INPUT)]
    return tf.function(lambda values: {_OUTPUT: model(values, training=False)}, input_signature=signature), signature


def _put(path: Path, folder: Path) -> None:
    """Move it there in place of what has its name."""
    target = folder / path.name
    if target.is_dir():
        shutil.rmtree(target)
    path.replace(target)


TWINS_FOLDER = Path("desktop_server/models")


def write_server_model(recipe: Recipe, run: Path, *, shipped: Path, folder: Path) -> Card:
    """Write ``<id>.onnx``, checked against the run's net, and ``<id>.json`` into ``folder``.

    ``shipped`` is the card of the int8 file of the same run: answers, training and float metrics are told there.
    Raises ``AffectdError``, and leaves ``folder`` as it was.
    """
    checkpoints.require_state(run)
    with TemporaryDirectory() as made:
        form = next(f for f in export(recipe, run, Path(made)) if f.file.endswith(".onnx"))
        content = (Path(made) / form.file).read_bytes()
    card = float_card(read_card(shipped), content, largest_difference=form.largest_difference)
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / card.file, content)
    write_file(folder / f"{recipe.id}.json", card_json(card))
    return card


def float_card(shipped: Card, content: bytes, *, largest_difference: float) -> Card:
    """The card of the float twin: the int8 card's, as far as both are the same net."""
    kept = ("description", "parameters", "training_data", "terms", "split", "recipe", "intended_use", "limits")
    about: dict[str, Any] = {name: shipped.about[name] for name in kept if name in shipped.about}
    about["twin"] = {"id": shipped.id, "sha256": shipped.sha256}
    about["largest_difference_from_checkpoint"] = largest_difference
    if metrics := shipped.about.get("metrics"):
        about["metrics"] = {"float32": metrics["float32"]}
    return replace(
        shipped,
        id=f"{shipped.id}-float32",
        file=f"{shipped.id}.onnx",
        sha256=hashlib.sha256(content).hexdigest(),
        inputs=tuple(map(_float, shipped.inputs)),
        outputs=tuple(_float(output) for output in shipped.outputs),
        runtimes=("onnxruntime",),
        about=about,
    )


def _float(spec: TensorSpec) -> TensorSpec:
    return TensorSpec(spec.shape, "float32")
