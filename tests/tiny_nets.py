"""Nets that convert in a second, in run folders as training leaves them, and recipes and commands that use them."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from quantize.datasets import FER2013
from quantize.recipes.face import BASELINE_FACE
from quantize.recipes.speech import BASELINE_SPEECH
from quantize.training import checkpoints
from quantize.training.batches import PerSampleAugment
from quantize.training.checkpoints import Epoch, Training


def tiny_face(keras: Any) -> Any:
    """A residual net with all that the face net is made of; its batch normalisation has seen noise."""
    layers = keras.layers
    keras.utils.set_random_seed(1)
    picture = layers.Input((48, 48, 1))
    net = layers.Rescaling(4.0, -2.0, name="centred")(picture)
    net = layers.ReLU()(_normed(keras, net, "stem", strides=2))
    net = layers.ReLU()(layers.Add(name="way_round")([net, _normed(keras, net, "block", strides=1)]))
    net = layers.GlobalAveragePooling2D(name="mean")(layers.AveragePooling2D(2, padding="same", name="pool")(net))
    net = layers.Dense(16, activation="relu", name="hidden")(layers.Dropout(0.2)(net))
    model = keras.Model(picture, layers.Dense(7, activation="softmax", name="answer")(net), name="tiny_face")
    for _ in range(10):
        model(noise(32), training=True)
    return model


def two_answers(keras: Any) -> Any:
    """The tiny net with two answers, (2, 7)."""
    one = tiny_face(keras)
    net = keras.layers.Reshape((2, 7))(keras.layers.Dense(14)(one.get_layer("hidden").output))
    return keras.Model(one.input, keras.layers.Softmax()(net), name="two_answers")


def tiny_speech(keras: Any) -> Any:
    """A convolution and a bidirectional LSTM."""
    layers = keras.layers
    keras.utils.set_random_seed(1)
    net = [
        layers.Input((128, 40, 1)),
        layers.Conv2D(4, 8, strides=8, activation="relu"),
        layers.Reshape((16, 20), name="reshape"),
        layers.Bidirectional(layers.LSTM(4), name="listener"),
        layers.Dense(7, activation="softmax", name="answer"),
    ]
    return keras.Sequential(net, name="tiny_speech")


def _normed(keras: Any, net: Any, name: str, *, strides: int) -> Any:
    net = keras.layers.Conv2D(8, 3, strides=strides, padding="same", use_bias=False, name=name)(net)
    return keras.layers.BatchNormalization(momentum=0.5)(net)


def noise(count: int) -> Any:
    return np.random.default_rng(1).random((count, 48, 48, 1), dtype=np.float32)


TINY_FACE = replace(
    BASELINE_FACE,
    id="tiny-face",
    architecture=tiny_face,
    scored_on=(FER2013,),
    plan=PerSampleAugment(BASELINE_FACE.front_end, batch_size=8, oversample=False),
)
TWO_ANSWERS = replace(TINY_FACE, id="two-answers", architecture=two_answers, heads=("crowd", "fer2013"))
TINY_SPEECH = replace(
    BASELINE_SPEECH,
    id="tiny-speech",
    architecture=tiny_speech,
    plan=PerSampleAugment(BASELINE_SPEECH.front_end, batch_size=8, oversample=True),
)


def keep(run: Path, model: Any, recipe: str, *, loss: float = 1.9) -> Path:
    """The net in a run folder, as after one epoch."""
    nets = dict.fromkeys((checkpoints.LAST, checkpoints.RESULT), model)
    checkpoints.save(run, nets, Training(recipe, 1, keeps_best=True, epochs=(Epoch(1, loss, 1.9, 0.2),)))
    return run


def command_line(command: ModuleType, *arguments: str | Path) -> None:
    """Run one command as ``python -m quantize`` does."""
    parser = argparse.ArgumentParser()
    command.add_to(parser.add_subparsers())
    options = parser.parse_args([str(argument) for argument in arguments])
    options.command(options)
