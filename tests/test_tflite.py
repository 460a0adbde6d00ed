import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from device.errors import ModelError
from device.models.card import Card, TensorSpec, card_json, read_card, verify_emotion_card
from device.models.runtime import open_interpreter, runtime_name
from device.models.sets import ModelSet
from device.models.stderr import without_information
from device.models.tflite import TfliteModel, spec_of
from device.readings import Modality
from device.updates.golden import require_golden, write_golden

MODELS = Path(__file__).resolve().parents[1] / "models_tflite"
TWO_INPUTS = Path(__file__).parent / "data" / "two_inputs.tflite"
NOISE = np.random.default_rng(3)
VOICE = NOISE.normal(size=(128, 40)).astype(np.float32)
SCENE = [NOISE.normal(size=(128, 40)).astype(np.float32) for _ in range(3)]


@pytest.fixture(scope="module")
def speech() -> TfliteModel:
    return TfliteModel(card("baseline-speech"), MODELS)


def card(name: str) -> Card:
    return read_card(MODELS / f"{name}.json")


def as_a_model(content: bytes, folder: Path) -> Card:
    """The face model's card for other bytes, so that only the bytes are wrong."""
    (folder / "baseline-face.tflite").write_bytes(content)
    return replace(card("baseline-face"), sha256=hashlib.sha256(content).hexdigest())


def test_a_model_answers_with_probabilities(speech: TfliteModel) -> None:
    (probs,) = speech(VOICE)
    assert probs.shape == (7,)
    assert probs.dtype == np.float32
    assert probs.sum() == pytest.approx(1, abs=0.03)  # seven roundings to 1/256


def test_what_was_received_before_does_not_change_what_is_received_now(speech: TfliteModel) -> None:
    (alone,) = speech(VOICE)
    for other in SCENE:
        speech(other)
    (after,) = speech(VOICE)
    np.testing.assert_array_equal(after, alone)


def test_a_channel_axis_may_be_there_or_not(speech: TfliteModel) -> None:
    np.testing.assert_array_equal(speech(VOICE)[0], speech(VOICE[..., np.newaxis])[0])


def test_values_beyond_the_int8_range_are_cut_not_wrapped_round(speech: TfliteModel) -> None:
    spec = speech.card.input
    highest = spec.scale * (127 - spec.zero_point)
    loud = np.where(VOICE > 0, 1e6, VOICE).astype(np.float32)
    cut = np.where(VOICE > 0, highest, VOICE).astype(np.float32)
    np.testing.assert_array_equal(speech(loud)[0], speech(cut)[0])


def test_answers_are_the_callers_own(speech: TfliteModel) -> None:
    (first,) = speech(VOICE)
    kept = first.copy()
    speech(SCENE[0])
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("kept", [0, 7])
def test_a_truncated_file_is_no_model(tmp_path: Path, kept: int) -> None:
    content = (MODELS / "baseline-face.tflite").read_bytes()[:kept]
    with pytest.raises(ModelError, match="not a model"):
        TfliteModel(as_a_model(content, tmp_path), tmp_path)


def test_a_picture_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a model"):
        TfliteModel(as_a_model(b"\x89PNG\r\n\x1a\n" * 99, tmp_path), tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        TensorSpec((1, 64, 64, 1), "int8", 1 / 255, -128),
        TensorSpec((1, 48, 48, 1), "float32"),
        TensorSpec((1, 48, 48, 1), "int8", 0.5, -128),
        TensorSpec((1, 48, 48, 1), "int8", 1 / 255, 0),
    ],
)
def test_a_card_that_misstates_the_input_is_refused(wrong: TensorSpec) -> None:
    with pytest.raises(ModelError, match="the file's input is"):
        TfliteModel(replace(card("baseline-face"), inputs=(wrong,)), MODELS)


def test_a_card_that_misstates_the_outputs_is_refused() -> None:
    with pytest.raises(ModelError, match="the file's output is"):
        TfliteModel(replace(card("baseline-face"), outputs=()), MODELS)


def test_another_models_bytes_under_the_right_name_are_refused(tmp_path: Path) -> None:
    shutil.copy(MODELS / "baseline-speech.tflite", tmp_path / "baseline-face.tflite")
    with pytest.raises(ModelError, match="altered"):
        TfliteModel(card("baseline-face"), tmp_path)


def test_the_runtime_in_use_has_a_name() -> None:
    assert runtime_name() in {"ai-edge-litert", "tflite-runtime"}


def test_opening_a_model_reports_nothing_of_its_kernels(capfd: pytest.CaptureFixture[str]) -> None:
    TfliteModel(card("baseline-face"), MODELS)
    assert capfd.readouterr().err == ""


def test_what_is_more_than_information_is_still_reported(capfd: pytest.CaptureFixture[str]) -> None:
    with without_information():
        os.write(2, b"INFO: Created a delegate.\nERROR: no memory\n")
    assert capfd.readouterr().err == "ERROR: no memory\n"


def two_inputs() -> Card:
    """The card of a file that takes a picture and a sound, as it is read from its JSON."""
    interpreter = open_interpreter(TWO_INPUTS)
    return replace(
        card("baseline-face"),
        id="two-inputs",
        file=TWO_INPUTS.name,
        sha256=hashlib.sha256(TWO_INPUTS.read_bytes()).hexdigest(),
        inputs=tuple(map(spec_of, interpreter.get_input_details())),
        outputs=tuple(map(spec_of, interpreter.get_output_details())),
    )


def test_a_net_of_several_inputs_takes_an_array_of_each(tmp_path: Path) -> None:
    path = tmp_path / "two-inputs.json"
    path.write_bytes(card_json(two_inputs()))
    net = TfliteModel(read_card(path), TWO_INPUTS.parent)
    assert [spec.shape for spec in net.card.inputs] == [(1, 64, 64, 3), (1, 40, 128)]
    picture, sound = NOISE.random((64, 64, 3), dtype=np.float32), NOISE.normal(size=(40, 128)).astype(np.float32)
    (answer,) = net(picture, sound)
    assert answer.sum() == pytest.approx(1, abs=0.03)
    for other in (net(1 - picture, 3 * sound)[0], net(picture, 3 * sound)[0]):
        assert not np.array_equal(answer, other)
    np.testing.assert_array_equal(net(picture, sound)[0], answer)


def test_a_net_of_several_inputs_refuses_too_few_and_another_order() -> None:
    net = TfliteModel(two_inputs(), TWO_INPUTS.parent)
    picture, sound = np.zeros((64, 64, 3), dtype=np.float32), np.zeros((40, 128), dtype=np.float32)
    for wrong in ([picture], [sound, picture], [picture, sound, sound]):
        with pytest.raises(ValueError, match=r"reshape|argument"):
            net(*wrong)


def test_a_net_of_several_inputs_is_no_modalitys() -> None:
    with pytest.raises(ModelError, match="2 inputs, but face has one"):
        verify_emotion_card(two_inputs(), kind="face", features=(two_inputs().features,))
    with pytest.raises(ModelError, match="2 inputs"):
        _ = two_inputs().input


@pytest.mark.slow
def test_golden_answers_of_a_net_of_several_inputs_have_a_file_an_input(tmp_path: Path) -> None:
    shutil.copy(TWO_INPUTS, tmp_path)
    models = ModelSet("two", "average", {Modality.FACE: two_inputs()}, card("baseline-speech"), tmp_path)
    shutil.copy(MODELS / "baseline-speech.tflite", tmp_path)
    write_golden(models, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("two-inputs.*.npy")) == [
        "two-inputs.inputs-1.npy", "two-inputs.inputs.npy", "two-inputs.outputs.npy",
    ]  # fmt: skip
    assert require_golden(models, packed_by=runtime_name()) == 0
