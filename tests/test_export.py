"""A trained net leaves the workshop in the forms that other runtimes read, and only if they answer as it does."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import tf_keras
from quiet import QUIET_TENSORFLOW
from tiny_nets import TINY_FACE, TINY_SPEECH, TWO_ANSWERS, command_line, keep, noise, tiny_face

from device.errors import AffectdError, ModelError
from device.models.card import read_card
from device.models.tflite import TfliteModel
from quantize.commands import export as export_command
from quantize.conversion.export import TWIN_TOLERANCE, Form, export
from quantize.recipes.face import BASELINE_FACE
from quantize.training import checkpoints
from quantize.training.recipe import Recipe

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keep(tmp_path_factory.mktemp("run"), tiny_face(tf_keras), TINY_FACE.id)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def exported(run: Path, out: Path) -> tuple[Form, ...]:
    return export(TINY_FACE, run, out)


def test_every_form_answers_like_the_net(exported: tuple[Form, ...]) -> None:
    assert [form.file for form in exported] == [
        "tiny-face-float32.tflite",
        "tiny-face.onnx",
        "tiny-face.savedmodel",
    ]
    assert all(form.largest_difference <= TWIN_TOLERANCE for form in exported)


@pytest.mark.usefixtures("exported")
def test_a_server_asks_the_onnx_file_by_plain_names_in_batches_of_any_size(run: Path, out: Path) -> None:
    session = onnxruntime.InferenceSession(out / "tiny-face.onnx")
    expected = checkpoints.load_net(run)(noise(5)).numpy()
    for count in (1, 5):
        (answers,) = session.run(["probabilities"], {"input": noise(5)[:count]})
        np.testing.assert_allclose(answers, expected[:count], atol=1e-5)
    assert [end.shape for end in session.get_inputs()] == [["batch", 48, 48, 1]]
    assert [end.shape for end in session.get_outputs()] == [["batch", 7]]


@pytest.mark.usefixtures("exported")
def test_the_appliance_runs_the_exported_file_by_its_card(run: Path, out: Path) -> None:
    card = read_card(out / "tiny-face-float32.json")
    expected = checkpoints.load_net(run)(noise(1)).numpy()
    np.testing.assert_allclose(TfliteModel(card, out)(noise(1)[0])[0], expected[0], atol=1e-5)


@pytest.mark.parametrize("recipe", [TINY_SPEECH, TWO_ANSWERS], ids=lambda recipe: recipe.id)
def test_a_net_that_listens_or_has_two_answers_is_exported_too(recipe: Recipe, tmp_path: Path) -> None:
    run = keep(tmp_path / "run", recipe.architecture(tf_keras), recipe.id)
    forms = export(recipe, run, tmp_path / "out")
    assert max(form.largest_difference for form in forms) <= TWIN_TOLERANCE
    (answer,) = onnxruntime.InferenceSession(tmp_path / "out" / f"{recipe.id}.onnx").get_outputs()
    assert answer.shape[1:] == ([2, 7] if recipe is TWO_ANSWERS else [7])


def test_a_net_that_answers_no_numbers_is_not_exported(tmp_path: Path) -> None:
    broken = tiny_face(tf_keras)
    broken.get_layer("answer").bias.assign(np.full(7, np.nan))
    run = keep(tmp_path / "run", broken, TINY_FACE.id)
    with pytest.raises(ModelError, match=r"tiny-face-float32\.tflite: its answers differ from the net's by up to nan"):
        export(TINY_FACE, run, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_what_was_never_trained_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(AffectdError, match="no training has been made there"):
        export(TINY_FACE, tmp_path / "none", tmp_path / "out")


def test_a_folder_that_cannot_be_made_is_named(run: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(AffectdError, match=r"out: cannot write the exports \(File exists\)"):
        export(TINY_FACE, run, tmp_path / "out")


def test_the_command_replaces_an_older_export_and_prints_the_differences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = keep(tmp_path / "run", BASELINE_FACE.architecture(tf_keras), BASELINE_FACE.id)
    for _ in range(2):
        command_line(export_command, "export", "baseline-face", "--run", run, "--out", tmp_path / "out")
    printed = capsys.readouterr().out
    assert "baseline-face.onnx" in printed
    assert "987," in printed
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "baseline-face-float32.json",
        "baseline-face-float32.tflite",
        "baseline-face.onnx",
        "baseline-face.savedmodel",
    ]
