"""What each form of a net saves, and what it costs in answers."""

import json
from pathlib import Path

import numpy as np
import pytest
import tf_keras
from quiet import QUIET_TENSORFLOW
from tiny_nets import TINY_FACE, command_line, keep, noise, tiny_face

from quantize.commands import studies
from quantize.conversion import convert
from quantize.conversion.graph import read_graph, read_operations
from quantize.evaluation.significance import mcnemar_p
from quantize.recipes.face import BASELINE_FACE
from quantize.studies.formats import FormatComparison, difference, study

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]


@pytest.fixture(scope="module")
def compared(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> FormatComparison:
    run = keep(tmp_path_factory.mktemp("run"), tiny_face(tf_keras), TINY_FACE.id)
    return study(TINY_FACE, faces, run=run, calibration_path=run / "pinned.json")


def test_all_forms_of_one_net_are_scored_on_the_same_samples(compared: FormatComparison) -> None:
    assert [form.format for form in compared.forms] == ["float32", "float16", "dynamic-range", "int8"]
    assert {form.test.samples for form in compared.forms} == {28}
    assert compared.forms[0].against_float32 is None
    assert compared.forms[-1].bytes < compared.forms[1].bytes < compared.forms[0].bytes


def test_half_the_precision_moves_the_answers_less_than_int8_does(compared: FormatComparison) -> None:
    _, float16, _, int8 = compared.forms
    assert float16.against_float32 is not None
    assert int8.against_float32 is not None
    assert 0 < float16.against_float32.largest_difference < int8.against_float32.largest_difference < 0.1


def test_float16_and_dynamic_range_keep_float_ends_and_smaller_weights(tmp_path: Path) -> None:
    layers, paths = tf_keras.layers, [tmp_path / name for name in ("float16", "dynamic")]
    # Weights of less than 1,024 numbers stay float.
    net = tf_keras.Sequential([layers.Input((48, 48, 1)), layers.Flatten(), layers.Dense(7)])
    convert.to_float16(net, paths[0])
    convert.to_dynamic_range(net, paths[1])
    types = [read_graph(path.read_bytes(), path.name).tensor_types for path in paths]
    assert "FLOAT16" in types[0]
    assert "INT8" in types[1]
    assert all("FLOAT32" in found for found in types)


def test_int8_has_a_scale_for_each_channel_of_a_convolution_and_one_for_a_dense_layer(tmp_path: Path) -> None:
    convert.to_int8(tiny_face(tf_keras), list(noise(8)), tmp_path / "net")
    operations = read_operations((tmp_path / "net").read_bytes(), "net")
    scales = {(o.operator, o.scales) for o in operations if o.operator in ("CONV_2D", "FULLY_CONNECTED")}
    assert scales == {("CONV_2D", 8), ("FULLY_CONNECTED", 1)}


def test_a_calibrated_net_keeps_those_operators_in_float_that_are_named(tmp_path: Path) -> None:
    net = tiny_face(tf_keras)
    convert.to_float(net, tmp_path / "net")
    names = [operation.output for operation in read_operations((tmp_path / "net").read_bytes(), "net")]
    calibrated = convert.int8_of(net, list(noise(8)))
    untouched = read_operations(convert.quantized(calibrated, left_float=names), "float")
    assert {operation.scales for operation in untouched} == {0}
    one_left = read_operations(convert.quantized(calibrated, left_float=names[2:3]), "mixed")
    assert [operation.scales for operation in one_left if operation.operator == "CONV_2D"] == [0, 8]


def test_differences_are_counted_sample_by_sample() -> None:
    labels = np.array([0, 0, 1, 2])
    float32 = np.eye(7, dtype=np.float32)[[0, 0, 1, 3]]
    other = np.eye(7, dtype=np.float32)[[0, 1, 1, 2]]
    found = difference(other, float32, labels)
    assert found.agreement == 0.5
    assert found.agreement_by_class == {"angry": 0.5, "disgust": 1.0, "fear": 0.0}
    assert (found.newly_wrong, found.newly_right) == (1, 1)
    assert found.largest_difference == 1.0
    assert found.mean_difference == pytest.approx(4 / 28)
    assert found.mcnemar_p == 1.0


@pytest.mark.parametrize(("first", "second", "p"), [(0, 0, 1.0), (5, 5, 1.0), (10, 0, 2 / 1024), (1, 5, 14 / 64)])
def test_mcnemar_is_the_exact_binomial_test(first: int, second: int, p: float) -> None:
    assert mcnemar_p(first, second) == pytest.approx(p)


def test_the_command_prints_a_line_a_form_and_writes_the_figures(
    faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = keep(tmp_path / "run", BASELINE_FACE.architecture(tf_keras), BASELINE_FACE.id)
    out: list[str | Path] = ["--calibration", tmp_path / "pinned.json", "--json", tmp_path / "formats.json"]
    command_line(studies, "formats", "baseline-face", "--root", faces, "--run", run, *out)
    assert "dynamic-range" in capsys.readouterr().out
    written = json.loads((tmp_path / "formats.json").read_text())
    assert [form["format"] for form in written["forms"]][-1] == "int8"
    assert written["forms"][0]["bytes"] > 3 * written["forms"][-1]["bytes"]
