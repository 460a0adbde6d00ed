"""The report on a net's layers names the one that int8 hurts."""

import json
from pathlib import Path

import numpy as np
import pytest
import tf_keras
from quiet import QUIET_TENSORFLOW
from tiny_nets import TINY_FACE, TWO_ANSWERS, command_line, keep, tiny_face, tiny_speech

from device.models.card import alone
from quantize import convert
from quantize.commands import layers as layers_command
from quantize.datasets import FER2013
from quantize.face_recipes import BASELINE_FACE
from quantize.graph import Operation, read_operations
from quantize.layers import LayerReport, harm_of, layer_report, layers_of

pytestmark = QUIET_TENSORFLOW


@pytest.fixture(scope="module")
def spoilt(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> LayerReport:
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
    split = FER2013.split(faces)
    pinned = run / "pinned.json"
    return layer_report(TINY_FACE, split, run=run, calibration_path=pinned, samples=12, served=alone())


def test_a_layer_that_int8_ruins_is_named(spoilt: LayerReport) -> None:
    assert spoilt.finding.startswith("int8 hurts most in hidden (Dense): alone it moves the answers by")
    worst, second = spoilt.layers[:2]
    assert worst.alone.divergence_nats > 5 * second.alone.divergence_nats


def test_sparing_that_layer_heals_the_net(spoilt: LayerReport) -> None:
    assert spoilt.layers[0].spared.divergence_nats < 0.2 * spoilt.whole.divergence_nats


def test_layers_bear_the_names_that_the_net_gives_them(spoilt: LayerReport) -> None:
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


def test_noise_in_the_tensors_grows_where_the_layer_was_ruined(spoilt: LayerReport) -> None:
    decibels = {operation.layer: operation.signal_to_noise_db for operation in spoilt.operations}
    before, ruined = decibels["stem"], decibels["hidden"]
    assert before is not None
    assert ruined is not None
    assert before > ruined + 10


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
    owners = layers_of(operations, tiny_speech(tf_keras))
    assert [owners[name] for name in names.values()] == ["reshape", *["listener"] * 3, *["answer"] * 2]


def test_what_a_layer_only_passes_on_counts_as_the_layer_that_computed_it(tmp_path: Path) -> None:
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
    owners = layers_of(operations, net)
    owned = {name: [o.operator for o in operations if owners[o.output] == name] for name in owners.values()}
    assert owned == {
        "largest": ["MAX_POOL_2D", "RESHAPE"],
        "left": ["FULLY_CONNECTED"],
        "conv": ["CONV_2D", "MAX_POOL_2D", "RESHAPE"],
        "right": ["FULLY_CONNECTED"],
        "joined": ["CONCATENATION"],
        "logits": ["FULLY_CONNECTED", "RESHAPE", "SOFTMAX"],
    }


def test_of_a_net_with_two_answers_no_reshape_is_blamed(faces: Path, tmp_path: Path) -> None:
    run = keep(tmp_path, TWO_ANSWERS.architecture(tf_keras), TWO_ANSWERS.id)
    split, pinned, served = FER2013.split(faces), run / "pinned.json", alone(answers=2)
    report = layer_report(TWO_ANSWERS, split, run=run, calibration_path=pinned, samples=2, served=served)
    dense = next(layer for layer in report.layers if "SOFTMAX" in layer.operators)
    assert (dense.kind, dense.operators) == ("Dense", ("FULLY_CONNECTED", "RESHAPE", "SOFTMAX"))
    assert "Reshape" not in {layer.kind for layer in report.layers}


def test_the_divergence_of_equal_answers_is_none_and_labels_are_counted() -> None:
    float32 = np.array([[0.6, 0.4, 0, 0, 0, 0, 0], [0.1, 0.9, 0, 0, 0, 0, 0]], dtype=np.float32)
    assert harm_of(float32, float32).divergence_nats == 0
    turned = harm_of(np.ascontiguousarray(float32[::-1]), float32)
    assert turned.changed_labels == 2
    assert turned.divergence_nats > 0.3


def test_the_command_prints_the_finding_and_writes_the_report(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = keep(tmp_path / "run", BASELINE_FACE.architecture(tf_keras), BASELINE_FACE.id)
    asked: list[str | Path] = [
        "--samples",
        "2",
        "--calibration",
        tmp_path / "pinned.json",
        "--json",
        tmp_path / "layers.json",
    ]
    command_line(layers_command, "layers", "baseline-face", "--root", faces, "--run", run, *asked)
    written = json.loads((tmp_path / "layers.json").read_text())
    assert written["samples"] == 2
    assert written["finding"] in capsys.readouterr().out
