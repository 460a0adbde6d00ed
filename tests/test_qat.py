"""A net trained on while it is rounded stays an ordinary net, in a run of its own."""

from pathlib import Path

import numpy as np
import pytest
import tf_keras
from quiet import QUIET_TENSORFLOW
from tiny_nets import (
    TINY_FACE,
    command_line,
    keep,
    noise,
    tiny_face,
    tiny_speech,
    two_answers,
)

from device.errors import AffectdError
from device.models.card import read_card
from quantize.commands import aware as aware_command
from quantize.conversion.release import release
from quantize.datasets import FER2013
from quantize.recipes.face import BASELINE_FACE
from quantize.training import checkpoints
from quantize.training.qat import fine_tune, take_weights, with_rounding

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keep(tmp_path_factory.mktemp("run"), tiny_face(tf_keras), TINY_FACE.id)


@pytest.fixture(scope="module")
def tuned(run: Path, faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "aware"
    fine_tune(TINY_FACE, FER2013.split(faces), run=run, out_run=out, epochs=1)
    return out


def test_a_fine_tuned_run_is_published_like_any_other(tuned: Path, faces: Path, tmp_path: Path) -> None:
    release(
        TINY_FACE,
        lambda dataset: dataset.split(faces),
        trained=tuned,
        run=tuned,
        calibration_path=tmp_path / "pinned.json",
        folder=tmp_path,
    )
    card = read_card(tmp_path / "tiny-face.json")
    assert card.input.dtype == "int8"
    assert card.about["epochs"] == 1


def test_its_weights_have_moved_but_its_answers_hardly(run: Path, tuned: Path) -> None:
    before, after = checkpoints.load_net(run), checkpoints.load_net(tuned, checkpoints.LAST)
    assert [type(layer) for layer in after.layers] == [type(layer) for layer in before.layers]
    moved = np.abs(after.get_layer("stem").kernel - before.get_layer("stem").kernel).max()
    assert 0 < moved < 0.01
    np.testing.assert_allclose(after(noise(8)), before(noise(8)), atol=0.1)


def test_what_is_not_rounded_is_named() -> None:
    _, left_alone = with_rounding(tiny_face(tf_keras))
    assert left_alone == ("centred (Rescaling)",)


def test_a_run_is_not_written_over(run: Path, tuned: Path, faces: Path) -> None:
    with pytest.raises(AffectdError, match="holds a training; choose another --out-run"):
        fine_tune(TINY_FACE, FER2013.split(faces), run=run, out_run=tuned, epochs=1)


def test_a_rounded_copy_leaves_the_net_as_it_was_and_gives_its_weights_back() -> None:
    net = tiny_face(tf_keras)
    before = net(noise(4)).numpy()
    rounded, _ = with_rounding(net)
    assert np.abs(rounded(noise(4)).numpy() - before).max() > 1e-4
    np.testing.assert_array_equal(net(noise(4)), before)
    take_weights(net, rounded)
    np.testing.assert_array_equal(net(noise(4)), before)


def test_a_net_with_two_answers_is_rounded_too() -> None:
    rounded, _ = with_rounding(two_answers(tf_keras))
    assert rounded(noise(3)).shape == (3, 2, 7)


def test_of_a_net_that_listens_the_lstm_is_left_alone() -> None:
    rounded, left_alone = with_rounding(tiny_speech(tf_keras))
    assert left_alone == ("listener (Bidirectional)",)
    assert rounded(np.zeros((1, 128, 40, 1), dtype=np.float32)).shape == (1, 7)


def test_the_command_says_what_comes_next(faces: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = keep(tmp_path / "run", BASELINE_FACE.architecture(tf_keras), BASELINE_FACE.id)
    made: list[str | Path] = ["--run", run, "--out-run", tmp_path / "aware", "--epochs", "1"]
    command_line(aware_command, "aware", "baseline-face", "--root", faces, *made)
    assert f"next: python -m quantize convert baseline-face --run {tmp_path / 'aware'}" in capsys.readouterr().out
