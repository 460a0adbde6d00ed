"""A trained net to a .tflite file: float, or with every operator, input and output in integers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.errors import ModelError
from quantize.checkpoints import write_beside
from quantize.graph import read_graph, with_integer_placeholders

FloatArray = NDArray[np.float32]


def to_float(model: Any, path: Path) -> None:
    """Write the net as it is, float32, batch 1."""
    write_beside(path, _converter(model).convert())


def to_int8(model: Any, calibration: list[FloatArray], path: Path) -> None:
    """Write the net in int8, input and output too; ``calibration`` are model inputs without the batch.

    Raises ``ModelError``, and writes nothing, if anything in the result is not integer.
    """
    import tensorflow as tf

    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _one_by_one(calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    # tflite-runtime 2.14 knows no dense layer with a scale for each channel.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    content = with_integer_placeholders(converter.convert())
    _require_integer(content, path)
    write_beside(path, content)


def _converter(model: Any) -> Any:
    import tensorflow as tf

    # The batch is fixed to 1: only so an LSTM becomes TFLite's fused operator, which is the one with an int8 form.
    shape = (1, *model.input_shape[1:])
    function = tf.function(lambda x: model(x, training=False), input_signature=[tf.TensorSpec(shape, tf.float32)])
    # What is given beside the function is saved whole before it is converted. Of the net its variables are enough; the
    # net itself gives the same bytes four to eleven times slower.
    kept = tf.Module()
    kept.variables_of_net = model.variables
    return tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], kept)


def _one_by_one(calibration: list[FloatArray]) -> Iterator[list[FloatArray]]:
    for values in calibration:
        yield [values[np.newaxis]]


def _require_integer(content: bytes, path: Path) -> None:
    graph = read_graph(content, path.name)
    if not graph.is_integer:
        raise ModelError(
            f"{path}: the conversion left other than integers in it: {sorted(graph.tensor_types)}, {graph.operators}"
        )
