"""Writes tests/data/two_inputs.tflite, a net of picture and sound: ``PYTHONPATH=. python tests/make_two_inputs.py``.

Untrained, a few kB: what is tested is that each input goes where it belongs, by shape and by scale.
"""

from pathlib import Path
from typing import Any

import numpy as np

TWO_INPUTS = Path(__file__).parent / "data" / "two_inputs.tflite"
PICTURE, SOUND = (64, 64, 3), (40, 128)


def examples(count: int) -> list[list[Any]]:
    """Pictures in 0…1 and spectra around 0, with the axis of the batch."""
    rng = np.random.default_rng(4)
    return [
        [rng.random((1, *PICTURE), dtype=np.float32), 3 * rng.normal(size=(1, *SOUND)).astype(np.float32)]
        for _ in range(count)
    ]


def converted() -> bytes:
    """All in int8, inputs and output, too."""
    import tensorflow as tf
    import tf_keras

    tf_keras.utils.set_random_seed(3)
    layers = tf_keras.layers
    picture, sound = layers.Input(PICTURE, name="picture"), layers.Input(SOUND, name="sound")
    seen = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 8, strides=8, activation="relu")(picture))
    heard = layers.GlobalAveragePooling1D()(layers.Conv1D(4, 4, strides=4, activation="relu")(sound))
    answer = layers.Dense(7, activation="softmax")(layers.Concatenate()([seen, heard]))
    net = tf_keras.Model([picture, sound], answer)
    signature = [tf.TensorSpec((1, *PICTURE), tf.float32), tf.TensorSpec((1, *SOUND), tf.float32)]
    function = tf.function(lambda *values: net(values, training=False), input_signature=signature)
    kept = tf.Module()
    kept.variables_of_net = net.variables
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], kept)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: iter(examples(32))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


if __name__ == "__main__":
    TWO_INPUTS.write_bytes(converted())
