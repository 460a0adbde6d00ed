"""Float nets in ONNX Runtime: the same nets as on the Pi, and whatever is wrong with one is said by name."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from perception import model

from desktop_server.inference.onnx import OnnxNet, float_engine, float_models_folder, load_onnx_net, started
from desktop_server.inference.provider import Started
from device.errors import ConfigError, ModelError
from device.models.card import Card, TensorSpec, read_card
from device.models.sets import list_sets, load_set
from device.models.tflite import TfliteModel
from quantize.datasets import FER2013
from quantize.inputs.front_ends import FACE

pytestmark = pytest.mark.slow

MODELS = float_models_folder()
EMOTION_NETS = ["affectd-1-face", "affectd-1-speech", "baseline-face", "baseline-speech"]


def card(name: str) -> Card:
    return read_card(MODELS / f"{name}.json")


def inputs(name: str, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(2).random((count, *card(name).input.shape[1:]), dtype=np.float32)


@pytest.mark.parametrize("name", EMOTION_NETS)
def test_many_at_once_give_what_each_gives_alone(name: str) -> None:
    net = OnnxNet(card(name), MODELS)
    values = inputs(name, 5)
    (together,) = net.batch(values)
    for alone, expected in zip(values, together, strict=True):
        np.testing.assert_allclose(net(alone)[0], expected, atol=1e-5)


# Not affectd-1-face: on noise, which is no face, it leaves the ranges that its int8 file was calibrated for.
@pytest.mark.parametrize("name", ["affectd-1-speech", "baseline-face", "baseline-speech"])
def test_the_float_twin_says_nearly_what_the_int8_file_says(name: str) -> None:
    assert np.median(apart(name, inputs(name, 20))) < 0.05


@pytest.mark.parametrize("name", ["affectd-1-face", "baseline-face"])
def test_of_faces_the_float_twin_says_nearly_what_the_int8_file_says(name: str, shared_data: Path) -> None:
    faces = [FACE.served(face) for face in FER2013.split(shared_data).test.signals[:100]]
    assert np.median(apart(name, faces)) < 0.05


def apart(name: str, values: Iterable[NDArray[np.float32]]) -> list[float]:
    """The largest difference between the twins' probabilities, for each of the inputs."""
    net, int8 = OnnxNet(card(name), MODELS), model(name)
    return [float(np.abs(net(value)[0] - int8(value)[0]).max()) for value in values]


@pytest.mark.parametrize("name", EMOTION_NETS)
def test_a_twins_card_names_the_int8_file_that_it_is_the_twin_of(name: str) -> None:
    twin, int8 = card(name), model(name).card
    assert twin.id == f"{int8.id}-float32"
    assert twin.about["twin"] == {"id": int8.id, "sha256": int8.sha256}
    assert (twin.features, twin.labels, twin.answers) == (int8.features, int8.labels, int8.answers)


def test_the_desktop_has_the_appliances_sets_and_finds_faces_with_the_same_net() -> None:
    pi = Path(__file__).resolve().parents[1] / "models_tflite"
    assert list_sets(MODELS) == list_sets(pi)
    float_set, int8_set = load_set(MODELS), load_set(pi)
    assert (float_set.name, float_set.rule, float_set.detector) == (int8_set.name, int8_set.rule, int8_set.detector)
    if (pi / int8_set.detector.file).is_file():
        assert isinstance(load_onnx_net(float_set.detector, MODELS), TfliteModel)


def test_the_engine_says_what_runs_the_nets() -> None:
    engine = float_engine("cpu")
    assert engine.name() == f"onnxruntime {onnxruntime.__version__} CPUExecutionProvider"
    net = engine.load_net(card("affectd-1-face"), MODELS)
    assert isinstance(net, OnnxNet)
    assert net.provider == "CPUExecutionProvider"


@pytest.mark.skipif("CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="this machine has CUDA")
@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_a_gpu_that_was_asked_for_and_is_not_there_is_an_error_not_a_slower_answer(provider: str) -> None:
    with pytest.raises(ConfigError, match=f"engine.provider = '{provider}'.*affectd.gpu.*or choose 'cpu'"):
        float_engine(provider)  # type: ignore[arg-type]
    assert started("auto") == Started("CPUExecutionProvider", gpu_problem="")


def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    content = bytearray((MODELS / "affectd-1-face.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "affectd-1-face.onnx").write_bytes(content)
    with pytest.raises(ModelError, match="the file was altered"):
        OnnxNet(card("affectd-1-face"), tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a model", (MODELS / "affectd-1-face.onnx").read_bytes()[:5000]])
def test_what_is_no_onnx_model_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "affectd-1-face.onnx").write_bytes(content)
    claimed = replace(card("affectd-1-face"), sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(ModelError, match="not a model that ONNX Runtime can run"):
        OnnxNet(claimed, tmp_path)


def test_a_card_of_another_shape_is_refused() -> None:
    wrong = replace(card("affectd-1-face"), inputs=(TensorSpec((1, 64, 64, 1), "float32"),))
    with pytest.raises(ModelError, match=r"the file has .*48, 48.*the card says .*64, 64"):
        OnnxNet(wrong, MODELS)
