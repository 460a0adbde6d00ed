"""Private calls of TensorFlow's converter, which an upgrade may break: here alone, and of one version.

The public ``QuantizationDebugger`` can spare operators, too, but gives each channel of a dense layer its own scale,
which tflite-runtime 2.14 does not know; no public way stops a conversion after calibration, to correct the ranges.
"""

from __future__ import annotations

from typing import Any

TENSORFLOW_VERSION = "2.21.0"
"""The TensorFlow that they were tried with."""


def calibrate_only(converter: Any) -> None:
    """Let the converter give the float file with the ranges of its tensors."""
    converter._experimental_calibrate_only = True


def share_scale_in_dense_layers(converter: Any) -> None:
    """Let all channels of a dense layer have one scale."""
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True


def quantize(calibrated_content: bytes, *, left_float: list[str], ends: Any) -> bytes:
    """A calibrated file in int8, but for the operators that write the tensors named; of type ``ends`` at both ends."""
    from tensorflow.lite.python.convert import mlir_quantize

    content = mlir_quantize(
        calibrated_content,
        input_data_type=ends,
        output_data_type=ends,
        denylisted_nodes=left_float,
        disable_per_channel_for_dense_layers=True,
    )
    return bytes(content)
