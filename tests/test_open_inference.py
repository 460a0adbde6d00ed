"""The Open Inference Protocol's JSON, both ways, for the shipped float nets."""

import json
import tracemalloc
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_server.inference import onnx as engine
from desktop_server.inference.open_inference import (
    INPUT,
    OUTPUT,
    InferenceError,
    infer_response,
    input_values,
    model_metadata,
    read_request,
    server_metadata,
)
from device.models.card import Card
from device.models.sets import list_sets, load_set
from device.readings import Modality

FOLDER = engine.float_models_folder()
CARDS = [card for name in list_sets(FOLDER) for card in load_set(FOLDER, name).models.values()]
FACE = load_set(FOLDER, "baseline").card(Modality.FACE)
TWO_ROWS = load_set(FOLDER, "affectd-1").card(Modality.FACE)


def body(values: Any, *, shape: list[int] | None = None, **entries: Any) -> bytes:
    """A request with ``values`` as its data, and ``entries`` in place of what a good one has."""
    nested = np.asarray(values).tolist() if isinstance(values, np.ndarray) else values
    tensor = {
        "name": INPUT,
        "shape": shape or list(np.shape(values)),
        "datatype": "FP32",
        "data": nested,
        **entries.pop("tensor", {}),
    }
    return json.dumps({"inputs": [tensor], **entries}).encode()


def faces(count: int) -> Any:
    return np.random.default_rng(count).random((count, 48, 48, 1), dtype=np.float32)


def read(text: bytes, card: Card = FACE, max_batch: int = 4) -> Any:
    return input_values(read_request(text), card, max_batch=max_batch)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_a_nets_metadata_are_what_its_file_says(card: Card) -> None:
    session = onnxruntime.InferenceSession(str(FOLDER / card.file))
    told = model_metadata(card)
    ends = [(end.name, end.shape[1:]) for end in (*session.get_inputs(), *session.get_outputs())]
    assert [(end.name, end.shape[1:]) for end in (*told.inputs, *told.outputs)] == ends
    assert {end.shape[0] for end in (*told.inputs, *told.outputs)} == {-1}
    assert told.parameters["labels"] == "angry,disgust,fear,happy,neutral,sad,surprise"


def test_two_faces_in_one_request_are_answered_in_one_row_each() -> None:
    net = engine.OnnxNet(TWO_ROWS, FOLDER)
    request = read_request(body(faces(2), id="kitchen-1"))
    values = input_values(request, TWO_ROWS, max_batch=2)
    answer = json.loads(infer_response(request, TWO_ROWS, net.batch(values)[0]).model_dump_json(exclude_none=True))
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("kitchen-1", TWO_ROWS.id, "1")
    (output,) = answer["outputs"]
    assert (output["name"], output["shape"], output["datatype"]) == (OUTPUT, [2, 2, 7], "FP32")
    expected = [net(face)[0] for face in faces(2)]
    np.testing.assert_allclose(np.reshape(output["data"], output["shape"]), expected, atol=1e-6)


def test_data_in_one_list_and_nested_data_are_the_same() -> None:
    one, other = read(body(faces(2))), read(body(faces(2).ravel(), shape=[2, 48, 48, 1]))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(one, faces(2))


def test_a_request_without_an_id_is_answered_without_one() -> None:
    request = read_request(body(faces(1), outputs=[{"name": OUTPUT, "parameters": {"binary_data": True}}]))
    answer = infer_response(request, FACE, np.full((1, 7), 1 / 7, np.float32)).model_dump(exclude_none=True)
    assert set(answer) == {"model_name", "model_version", "outputs"}


def test_whole_numbers_are_numbers() -> None:
    assert read(body([0] * 2304, shape=[1, 48, 48, 1])).dtype == np.float32


def spoilt(value: Any) -> list[Any]:
    return [value, *[0.0] * 2303]


ONE = [1, 48, 48, 1]

BAD = {
    "nothing": (b"", "not JSON"),
    "a picture": (b"\xff\xd8\xff\xe0JFIF", "not JSON"),
    "the binary extension": (body(faces(1)) + b"\x00\x00\x80\x3f", "binary extension is not known here"),
    "a list": (b"[]", "request: "),
    "no inputs": (b"{}", "inputs: field required"),
    "two inputs": (json.dumps({"inputs": [json.loads(body(faces(1)))["inputs"][0]] * 2}).encode(), "inputs: "),
    "an unknown entry": (body(faces(1), output=[]), "output: extra inputs are not permitted"),
    "another input": (body(faces(1), tensor={"name": "x"}), "no input 'x'; the net's is 'input'"),
    "another output": (body(faces(1), outputs=[{"name": "logits"}]), "no output 'logits'"),
    "another type": (body(faces(1), tensor={"datatype": "UINT8"}), "inputs.0.datatype: input should be 'FP32'"),
    "a shape in words": (body(faces(1), tensor={"shape": ["1", "48", "48", "1"]}), "inputs.0.shape.0: "),
    "no shape": (body(faces(1), tensor={"shape": []}), "shape [] of the input is not the net's [-1, 48, 48, 1]"),
    "another shape": (body(np.zeros((1, 64, 64, 1))), "shape [1, 64, 64, 1] of the input is not the net's"),
    "no batch": (body(faces(1)[0]), "shape [48, 48, 1] of the input"),
    "an empty batch": (body([], shape=[0, 48, 48, 1]), "a batch of 0 samples; send 1 to 4"),
    "a batch below nothing": (body([], shape=[-1, 48, 48, 1]), "a batch of -1 samples"),
    "too large a batch": (body(faces(5)), "a batch of 5 samples; send 1 to 4"),
    "too few numbers": (body([0.0] * 2303, shape=ONE), "are not the 2304 numbers that shape [1, 48, 48, 1] asks for"),
    "ragged data": (body([[0.0, 1.0], [0.0]], shape=ONE), "are not the 2304 numbers"),
    "no data": (body(None, shape=ONE), "inputs.0.data: "),
    "numbers as text": (body(spoilt("1.0"), shape=ONE), "are not all numbers"),
    "a hole": (body(spoilt(None), shape=ONE), "are not all numbers"),
    "truth": (body(spoilt(True), shape=ONE), "are not all numbers"),
    "NaN": (body(spoilt(float("nan")), shape=ONE), "NaN, infinity or a number beyond FP32"),
    "infinity": (body(spoilt(float("-inf")), shape=ONE), "NaN, infinity"),
    "a number beyond FP32": (body(spoilt(1e39), shape=ONE), "beyond FP32"),
    "a number of 400 digits": (body(spoilt(10**400), shape=ONE), "beyond FP32"),
    "a long id": (body(faces(1), id="x" * 129), "id: "),
    "depths": (b'{"inputs":' + b"[" * 100_000, "not JSON"),
    "data in depths": (body(0, shape=ONE).replace(b'"data": 0', b'"data": ' + b"[" * 90 + b"]" * 90), "are not the"),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD.keys())
def test_a_bad_request_is_refused_in_one_sentence(text: bytes, said: str) -> None:
    with pytest.raises(InferenceError) as refused:
        read(text)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 300


def test_a_long_text_among_numbers_takes_no_memory() -> None:
    """2304 texts as long as the longest would be 9 GB."""
    with pytest.raises(InferenceError, match="not all numbers"):
        read(body(spoilt("x" * 1_000_000), shape=ONE))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{" + b",".join(b'"%x":1' % number for number in range(250_000)) + b"}", "more than 1000 members"),
        (b'{"parameters":{' + b",".join(b'"%x":[]' % number for number in range(50_000)) + b"}}", "more than 1000"),
        (body([]).replace(b"[0]", b"[" + b"true," * 700_000 + b"0]"), "inputs.0.shape.0: "),
    ],
    ids=["names", "parameters", "shape"],
)
def test_many_faults_take_no_more_memory_than_one(text: bytes, said: str) -> None:
    """Told one by one they would be 250 to 760 MB."""
    tracemalloc.start()
    try:
        with pytest.raises(InferenceError, match=said):
            read(text)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()) | JSON.map(lambda v: body(v, shape=ONE)))
@pytest.mark.slow
def test_whatever_a_stranger_sends_is_refused_by_name(text: bytes) -> None:
    with pytest.raises(InferenceError):
        read(text)


def test_the_server_claims_no_extension() -> None:
    assert server_metadata("0.1.0").model_dump() == {"name": "affectd-server", "version": "0.1.0", "extensions": []}
