"""The nets, layer by layer. They take the Keras module, so that any Keras can train what tf_keras converts."""

from __future__ import annotations

from typing import Any

from device.features import mfcc
from device.readings import EMOTIONS

FACE_SHAPE = (48, 48, 1)
SPEECH_SHAPE = (mfcc.FRAMES, mfcc.COEFFICIENTS, 1)


def baseline_face(keras: Any) -> Any:
    """The published face net, 246,503 parameters: four 3×3 convolutions, two dense layers, softmax over 7."""
    layers = keras.layers
    net = [layers.Input(FACE_SHAPE)]
    for filters in (32, 32, 64, 64):
        net += [layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.MaxPooling2D(2)]
    net += [
        layers.Flatten(),
        layers.Dense(256, activation="relu"),
        layers.Dense(128, activation="relu"),
        layers.Dropout(0.5),
        layers.Dense(len(EMOTIONS), activation="softmax"),
    ]
    return keras.Sequential(net, name="baseline_face")


def baseline_speech(keras: Any) -> Any:
    """The published speech net, 1,558,919 parameters: two convolutions, a bidirectional LSTM, softmax over 7."""
    layers = keras.layers
    net = [layers.Input(SPEECH_SHAPE)]
    for filters in (64, 128):
        net += [layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.MaxPooling2D(2)]
    net += [
        layers.Reshape((32, 10 * 128)),
        layers.Bidirectional(layers.LSTM(128)),
        layers.Dense(128, activation="relu"),
        layers.Dense(64, activation="relu"),
        layers.Dense(len(EMOTIONS), activation="softmax"),
    ]
    return keras.Sequential(net, name="baseline_speech")
