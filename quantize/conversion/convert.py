"""Post-training quantization: a trained net as a .tflite file in float32, float16, dynamic range or int8."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from device.arrays import FloatArray
from device.errors import ModelError
from quantize.conversion import tensorflow_private
from quantize.conversion.graph import read_graph, with_integer_placeholders
from quantize.conversion.ranges import with_true_ranges
from quantize.files import write_file


def to_float(model: Any, path: Path) -> None:
    """Write the net as it is, float32, batch 1."""
    write_file(path, _converter(model).convert())


def to_float16(model: Any, path: Path) -> None:
    """Write the net with its weights in float16; it computes in float32, input and output are float32."""
    import tensorflow as tf

    converter = _optimizing_converter(model)
    converter.target_spec.supported_types = [tf.float16]
    write_file(path, converter.convert())


def to_dynamic_range(model: Any, path: Path) -> None:
    """Write the net with its weights in int8; what it computes is rounded as it comes, input and output are float32."""
    write_file(path, _optimizing_converter(model).convert())


def to_int8(model: Any, calibration: list[FloatArray], path: Path, *, beyond: float = 0.0) -> None:
    """Write the net in int8, input and output too; ``calibration`` are model inputs without the batch.

    ``beyond`` is the share of a tensor's values that its range may leave out above, and below.

    Raises ``ModelError``, and writes nothing, if anything in the result is not integer.
    """
    import tensorflow as tf

    content = tensorflow_private.quantize(int8_of(model, calibration, beyond=beyond), left_float=[], ends=tf.int8)
    content = with_integer_placeholders(content)
    _require_integer(content, path)
    write_file(path, content)


def int8_of(model: Any, calibration: list[FloatArray], *, beyond: float = 0.0) -> bytes:
    """The float file with the range that each tensor has over ``calibration``: what ``quantized`` works on."""
    converter = _calibrating_converter(model, calibration)
    tensorflow_private.calibrate_only(converter)
    return with_true_ranges(bytes(converter.convert()), calibration, beyond)


def quantized(calibrated_content: bytes, *, left_float: list[str]) -> bytes:
    """A calibrated file in int8, but for the operators that write the tensors named; float32 at both ends."""
    import tensorflow as tf

    return tensorflow_private.quantize(calibrated_content, left_float=left_float, ends=tf.float32)


def _calibrating_converter(model: Any, calibration: list[FloatArray]) -> Any:
    import tensorflow as tf

    converter = _optimizing_converter(model)
    converter.representative_dataset = lambda: _one_by_one(calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return converter


def _optimizing_converter(model: Any) -> Any:
    import tensorflow as tf

    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    # tflite-runtime 2.14 knows no dense layer with a scale for each channel.
    tensorflow_private.share_scale_in_dense_layers(converter)
    return converter


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
