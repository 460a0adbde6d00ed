"""Net architectures, layer by layer. They take the Keras module, so that any Keras trains what tf_keras converts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from device.features.mel import BANDS, FRAMES
from device.readings import EMOTIONS

FACE_SHAPE = (48, 48, 1)
SPEECH_SHAPE = (FRAMES, BANDS, 1)
PROSODIC_SHAPE = (FRAMES + 1, BANDS, 1)
SPECTRA, PROSODY = "spectra", "prosody"
"""The layers that give affectd-1-speech's logits: one for each of what it hears, and they are added."""
WEIGHT_DECAY = 1e-4
TIME_CHANNELS = 128
FACE_FILTERS = (32, 64, 128, 160)
"""How wide the blocks of the residual face nets are; those of one width work at one size of the picture."""
FACE_HEADS = ("crowd", "fer2013")
"""Whose judgement a face net with two answers gives: that of FER+'s ten people, and that of FER2013's labels."""


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


def shallow_affectd_face(keras: Any) -> Any:
    """What ``deeper_affectd_face`` grows from, 743,326 parameters: only the blocks that halve the picture."""
    return _residual_face(keras, blocks=(1, 1, 1, 1), gated=False, name="shallow_affectd_face")


def deeper_affectd_face(keras: Any) -> Any:
    """What ``affectd_face`` grows from, 1,132,190 parameters: it lacks two of its blocks, and the gates."""
    return _residual_face(keras, blocks=(2, 2, 2, 1), gated=False, name="deeper_affectd_face")


def affectd_face(keras: Any) -> Any:
    """A residual face net, 1,946,622 parameters: a 3×3 stem of 16, nine gated blocks of 32 to 160, mean, two answers.

    The first block of each width halves the picture. The layers do not depend on the picture's size.
    Answers (batch, 2, 7).
    """
    return _residual_face(keras, blocks=(2, 2, 3, 2), gated=True, name="affectd_face")


def grown(net: Any, kept: Any) -> None:
    """Give ``net`` the weights of ``kept``, all of whose layers it has by name; it then answers the same.

    A block that only ``net`` has starts as nothing but the way round it (Goyal et al., 2017), and a gate wide open.
    """
    for layer in kept.layers:
        if layer.weights:
            net.get_layer(layer.name).set_weights(layer.get_weights())


def copy_of(net: Any) -> Any:
    """A net of the same layers and weights, which may be changed."""
    import tf_keras

    copy = tf_keras.models.clone_model(net)
    copy.set_weights(net.get_weights())
    return copy


def of_any_size(keras: Any, net: Any) -> Any:
    """A net of the same layers and weights that takes pictures of any size."""
    free = keras.models.clone_model(net, input_tensors=keras.layers.Input((None, None, net.input_shape[-1])))
    free.set_weights(net.get_weights())
    return free


def _residual_face(keras: Any, *, blocks: Sequence[int], gated: bool, name: str) -> Any:
    layers = keras.layers
    picture = layers.Input(FACE_SHAPE)
    net = layers.Rescaling(4.0, -2.0)(picture)
    net = layers.ReLU()(_normed(keras, net, 16, side=3, name="stem"))
    for filters, count in zip(FACE_FILTERS, blocks, strict=True):
        for number in range(count):
            net = _block(keras, net, filters, halves=number == 0, gated=gated, name=f"{filters}_{number}")
    net = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(net))
    net = layers.Dense(len(FACE_HEADS) * len(EMOTIONS), kernel_regularizer=_decay(keras), name="answers")(net)
    answers = layers.Softmax()(layers.Reshape((len(FACE_HEADS), len(EMOTIONS)))(net))
    return keras.Model(picture, answers, name=name)


def _block(keras: Any, net: Any, filters: int, *, halves: bool, gated: bool, name: str) -> Any:
    """Two 3×3 convolutions beside a way round them (He et al., 2016), which pools where the block halves the picture.

    The convolutions of a block that does not halve it at first give nothing.
    """
    layers = keras.layers
    deep = layers.ReLU()(_normed(keras, net, filters, side=3, stride=2 if halves else 1, name=f"{name}_a"))
    deep = _normed(keras, deep, filters, side=3, name=f"{name}_b", gamma="ones" if halves else "zeros")
    if halves:
        pooled = layers.AveragePooling2D(2, padding="same")(net)
        net = _normed(keras, pooled, filters, side=1, name=f"{name}_beside")
    return layers.ReLU()(layers.Add()([net, _gated(keras, deep, name) if gated else deep]))


def _gated(keras: Any, net: Any, name: str) -> Any:
    """Each channel times 0 to 2, which the means of all of them decide (Hu et al., 2018); at first times 1."""
    layers = keras.layers
    filters = net.shape[-1]
    hidden = layers.Conv2D(filters // 4, 1, activation="relu", kernel_regularizer=_decay(keras), name=f"{name}_gate_a")(
        layers.GlobalAveragePooling2D(keepdims=True)(net)
    )
    gate = layers.Conv2D(
        filters,
        1,
        activation="sigmoid",
        kernel_initializer="zeros",
        kernel_regularizer=_decay(keras),
        name=f"{name}_gate_b",
    )(hidden)
    return layers.Multiply()([net, layers.Rescaling(2.0)(gate)])


def _normed(keras: Any, net: Any, filters: int, *, side: int, name: str, stride: int = 1, gamma: str = "ones") -> Any:
    """A convolution and its batch normalisation, whose statistics follow fast: trainings here are short."""
    layers = keras.layers
    net = layers.Conv2D(
        filters,
        side,
        strides=stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        kernel_regularizer=_decay(keras),
        name=f"{name}_convolution",
    )(net)
    return layers.BatchNormalization(momentum=0.95, gamma_initializer=gamma, name=f"{name}_normed")(net)


def _decay(keras: Any) -> Any:
    return keras.regularizers.L2(WEIGHT_DECAY / 2)


def affectd_speech(keras: Any) -> Any:
    """A residual net along time, 227,871 parameters: the bands are its channels, so that a filter sees all of them.

    One convolution over 5 moments and two residual blocks of 128 channels halve time twice; mean and maximum over
    what is left of it are classified. The last row of the input is prosody. It goes straight to the logits, by weights
    that are 0 at first: ``quantize.training.prosody_head`` finds them.
    """
    layers = keras.layers
    picture = layers.Input(PROSODIC_SHAPE)
    net = layers.Reshape((1, FRAMES, BANDS))(layers.Cropping2D(((0, 1), (0, 0)))(picture))
    net = layers.ReLU()(_normed_in_time(keras, net, moments=5, stride=2))
    net = _block_in_time(keras, net, stride=2)
    net = _block_in_time(keras, net, stride=1)
    net = layers.Concatenate()([layers.GlobalAveragePooling2D()(net), layers.GlobalMaxPooling2D()(net)])
    net = layers.Dropout(0.3)(layers.BatchNormalization(momentum=0.95)(net))
    # Small first weights: at the start the pooled maxima would make a net sure of itself by chance.
    small = keras.initializers.RandomNormal(stddev=0.02)
    logits = layers.Dense(len(EMOTIONS), kernel_initializer=small, name=SPECTRA)(net)
    prosody = layers.Flatten()(layers.Cropping2D(((FRAMES, 0), (0, 0)))(picture))
    beside = layers.Dense(len(EMOTIONS), use_bias=False, kernel_initializer="zeros", name=PROSODY)(prosody)
    return keras.Model(picture, layers.Softmax()(layers.Add()([logits, beside])), name="affectd_speech")


def _block_in_time(keras: Any, net: Any, *, stride: int) -> Any:
    """Two convolutions over 3 moments beside a way round them that pools where they stride (He et al., 2016)."""
    layers = keras.layers
    deep = layers.ReLU()(_normed_in_time(keras, net, moments=3, stride=stride))
    deep = _normed_in_time(keras, deep, moments=3)
    beside = layers.AveragePooling2D((1, stride), padding="same")(net) if stride > 1 else net
    return layers.ReLU()(layers.Add()([beside, deep]))


def _normed_in_time(keras: Any, net: Any, *, moments: int, stride: int = 1) -> Any:
    layers = keras.layers
    net = layers.Conv2D(TIME_CHANNELS, (1, moments), strides=(1, stride), padding="same", use_bias=False)(net)
    return layers.BatchNormalization(momentum=0.95)(net)


_TINY = 1e-7


def cross_entropy_of_answers(targets: Any, answers: Any) -> Any:
    """Cross-entropy in nats, summed over the answers: both tensors are (batch, answers, 7).

    A target that sums to less than 1 weighs less, one of zeros nothing.
    """
    import tensorflow as tf

    logs = tf.math.log(tf.maximum(answers, _TINY))
    return -tf.reduce_sum(targets * logs, axis=(1, 2))
