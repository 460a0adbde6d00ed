"""TensorFlow's private calls are of one version: an upgrade has to try them first."""

import pytest
from quiet import QUIET_TENSORFLOW

from quantize.conversion.tensorflow_private import TENSORFLOW_VERSION

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]


def test_the_private_calls_were_tried_with_this_tensorflow() -> None:
    import tensorflow as tf

    assert tf.__version__ == TENSORFLOW_VERSION
    assert hasattr(tf.lite.TFLiteConverter, "from_concrete_functions")
    from tensorflow.lite.python import convert

    assert callable(convert.mlir_quantize)
