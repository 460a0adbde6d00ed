"""The report on a net's layers names the one that int8 hurts."""

import json
from pathlib import Path

import numpy as np
import pytest
import tf_keras
from quiet import QUIET_TENSORFLOW
from tiny_nets import TINY_FACE, TWO_ANSWERS, command_line, keep, tiny_face, tiny_speech

from quantize.commands import studies
from quantize.conversion import convert
from quantize.conversion.graph import Operation, read_operations
from quantize.recipes.face import BASELINE_FACE
from quantize.studies.sensitivity import Sensitivity, harm_of, layers_of, study

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]


@pytest.fixture(scope="module")
def spoilt(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Sensitivity:
    """A net with a huge weight in a dense layer on an input that is always 0: harmless in float, ruinous in int8."""
    net = tiny_face(tf_keras)
    kernel = net.get_layer("hidden").kernel
    silent = np.eye(8, dtype=np.float32)
    silent[0, 0] = 0
    for name in ("stem", "block"):
        net.get_layer(name).kernel.assign(net.get_layer(name).kernel.numpy() @ silent)
    for variable in net.variables:
        if "moving_mean" in variable.name:
            variable.assign(variable.numpy() @ silent)
    huge = kernel.numpy()
    huge[0, 0] = 500
    kernel.assign(huge)
    net.get_layer("answer").kernel.assign(4 * net.get_layer("answer").kernel)
    run = keep(tmp_path_factory.mktemp("run"), net, TINY_FACE.id)
    return study(TINY_FACE, faces, run=run, calibration_path=run / "pinned.json", samples=12)


def test_a_layer_that_int8_ruins_is_named(spoilt: Sensitivity) -> None:
    worst, second = spoilt.layers[:2]
    assert (worst.layer, worst.kind) == ("hidden", "Dense")
    assert worst.alone.divergence_nats > 5 * second.alone.divergence_nats


def test_layers_bear_the_names_that_the_net_gives_them(spoilt: Sensitivity) -> None:
    assert {layer.layer: layer.kind for layer in spoilt.layers} == {
        "centred": "Rescaling",
        "stem": "Conv2D",
        "block": "Conv2D",
        "way_round": "Add",
        "pool": "AveragePooling2D",
        "mean": "GlobalAveragePooling2D",
        "hidden": "Dense",
        "answer": "Dense",
    }


def test_a_fused_lstm_is_named_as_the_layer_it_was() -> None:
    names = {
        "RESHAPE": "tiny_speech/reshape/Reshape",
        "REVERSE_V2": "tfl.reverse_v2",
        "UNIDIRECTIONAL_SEQUENCE_LSTM": "tfl.unidirectional_sequence_lstm",
        "CONCATENATION": "tiny_speech/listener/concat",
        "FULLY_CONNECTED": "tiny_speech/answer/MatMul;tiny_speech/answer/BiasAdd",
        "SOFTMAX": "StatefulPartitionedCall:0",
    }
    operations = [Operation(operator, output, 0) for operator, output in names.items()]
    assert layers_of(operations, tiny_speech(tf_keras)) == {
        "listener": [names["UNIDIRECTIONAL_SEQUENCE_LSTM"]],
        "answer": [names["FULLY_CONNECTED"], names["SOFTMAX"]],
    }


def test_a_layer_that_only_passes_on_is_not_blamed(tmp_path: Path) -> None:
    layers = tf_keras.layers
    picture = layers.Input((48, 48, 1))
    untouched = layers.Flatten(name="flat")(layers.MaxPooling2D(8, name="largest")(picture))
    convolved = layers.Conv2D(2, 12, 12, name="conv")(picture)
    seen = layers.Flatten(name="line")(layers.MaxPooling2D(2, name="pool")(convolved))
    sides = [layers.Dense(4, name="left")(untouched), layers.Dense(4, name="right")(seen)]
    joined = layers.Concatenate(name="joined")(sides)
    rows = layers.Reshape((2, 7), name="rows")(layers.Dense(14, name="logits")(joined))
    net = tf_keras.Model(picture, layers.Softmax(name="softmax")(rows), name="net")
    convert.to_float(net, tmp_path / "net.tflite")
    operations = read_operations((tmp_path / "net.tflite").read_bytes(), "net")
    operators = {operation.output: operation.operator for operation in operations}
    assert {layer: [operators[name] for name in own] for layer, own in layers_of(operations, net).items()} == {
        "left": ["FULLY_CONNECTED"],
        "conv": ["CONV_2D"],
        "right": ["FULLY_CONNECTED"],
        "logits": ["FULLY_CONNECTED", "SOFTMAX"],
    }


def test_of_a_net_with_two_answers_no_reshape_is_blamed(faces: Path, tmp_path: Path) -> None:
    run = keep(tmp_path, TWO_ANSWERS.architecture(tf_keras), TWO_ANSWERS.id)
    report = study(TWO_ANSWERS, faces, run=run, calibration_path=run / "pinned.json", samples=2)
    assert "Reshape" not in {layer.kind for layer in report.layers}


def test_the_divergence_of_equal_answers_is_none_and_labels_are_counted() -> None:
    float32 = np.array([[0.6, 0.4, 0, 0, 0, 0, 0], [0.1, 0.9, 0, 0, 0, 0, 0]], dtype=np.float32)
    assert harm_of(float32, float32).divergence_nats == 0
    turned = harm_of(np.ascontiguousarray(float32[::-1]), float32)
    assert turned.changed_labels == 2
    assert turned.divergence_nats > 0.3


def test_the_command_prints_the_layers_and_writes_the_figures(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = keep(tmp_path / "run", BASELINE_FACE.architecture(tf_keras), BASELINE_FACE.id)
    asked: list[str | Path] = [
        "--samples",
        "2",
        "--calibration",
        tmp_path / "pinned.json",
        "--json",
        tmp_path / "sensitivity.json",
    ]
    command_line(studies, "sensitivity", "baseline-face", "--root", faces, "--run", run, *asked)
    written = json.loads((tmp_path / "sensitivity.json").read_text())
    assert written["samples"] == 2
    assert written["layers"][0]["layer"] in capsys.readouterr().out
