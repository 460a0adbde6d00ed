"""The bare nets by the Open Inference Protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from server_process import serving

from desktop_server.inference.onnx import OnnxNet, float_models_folder
from device.models.card import read_card

pytestmark = pytest.mark.slow

FOLDER = float_models_folder()
NAME = "affectd-1-speech-float32"
CARD = read_card(FOLDER / "affectd-1-speech.json")
SHAPE = [2, *CARD.input.shape[1:]]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving(tmp_path_factory.mktemp("oip"), batching={"size": 4}) as server, server.client() as it:
        yield it


def request(**changes: Any) -> dict[str, Any]:
    values = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    tensor = {"name": "input", "shape": SHAPE, "datatype": "FP32", "data": values.ravel().tolist()}
    return {"inputs": [{**tensor, **changes}]}


def test_metadata_is_the_cards(client: httpx.Client) -> None:
    assert client.get("/v2").json()["name"] == "affectd-server"
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    said = client.get(f"/v2/models/{NAME}").json()
    assert said["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, *CARD.input.shape[1:]]}]
    assert client.get(f"/v2/models/{NAME}/ready").json() == {"name": NAME, "ready": True}
    assert client.get(f"/v2/models/{NAME}/versions/1").json() == said
    assert client.get(f"/v2/models/{NAME}/versions/1/ready").json()["ready"]


@pytest.mark.parametrize("path", [f"/v2/models/{NAME}/infer", f"/v2/models/{NAME}/versions/1/infer"])
def test_a_run_gives_what_the_net_gives(client: httpx.Client, path: str) -> None:
    asked = {"id": "42", **request(), "outputs": [{"name": "probabilities"}]}
    said = client.post(path, json=asked).json()
    (output,) = said["outputs"]
    values = np.array(asked["inputs"][0]["data"], dtype=np.float32).reshape(SHAPE)
    expected = OnnxNet(CARD, FOLDER).batch(values)[0]
    assert (said["id"], said["model_name"], output["shape"]) == ("42", NAME, list(expected.shape))
    np.testing.assert_allclose(np.array(output["data"]).reshape(expected.shape), expected, atol=1e-5)


def test_data_may_be_nested_as_the_shape_says(client: httpx.Client) -> None:
    flat = request()
    nested = request(data=np.array(flat["inputs"][0]["data"]).reshape(SHAPE).tolist())
    path = f"/v2/models/{NAME}/infer"
    assert client.post(path, json=nested).json() == client.post(path, json=flat).json()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "malformed-request"),
        (b"no json", "malformed-request"),
        (b"[" * 100_000, "malformed-request"),
        (json.dumps({"inputs": []}).encode(), "malformed-request"),
        (json.dumps(request(datatype="INT8")).encode(), "malformed-request"),
        (json.dumps(request(shape="x")).encode(), "malformed-request"),
        (json.dumps(request(name="other")).encode(), "invalid-tensor"),
        (json.dumps(request(shape=[])).encode(), "invalid-tensor"),
        (json.dumps(request(shape=[0, *SHAPE[1:]], data=[])).encode(), "invalid-tensor"),
        (json.dumps(request(shape=[-1, *SHAPE[1:]])).encode(), "invalid-tensor"),
        (json.dumps(request(shape=[5, *SHAPE[1:]])).encode(), "invalid-tensor"),
        (json.dumps(request(data=[0.0])).encode(), "invalid-tensor"),
        (json.dumps(request(data=["a"])).encode(), "invalid-tensor"),
        (json.dumps(request(data=[[1.0], [1.0, 2.0]])).encode(), "invalid-tensor"),
        (json.dumps(request(data=[None])).encode(), "invalid-tensor"),
        (json.dumps(request(data=[True])).encode(), "invalid-tensor"),
        (json.dumps(request(data=[float("nan")] * (2 * 128 * 40))).encode(), "invalid-tensor"),
        (json.dumps(request(data=[1e300] * (2 * 128 * 40))).encode(), "invalid-tensor"),
        (json.dumps({**request(), "outputs": [{"name": "other"}]}).encode(), "invalid-tensor"),
    ],
)
def test_a_bad_request_gets_its_problem_code(client: httpx.Client, content: bytes, code: str) -> None:
    said = client.post(f"/v2/models/{NAME}/infer", content=content)
    assert said.headers["content-type"] == "application/problem+json", said.text
    assert said.json()["code"] == code, said.text
    assert said.json()["error"] == said.json()["detail"]  # the protocol's own word
    assert 400 <= said.status_code < 500


@pytest.mark.parametrize("path", ["/v2/models/other", f"/v2/models/{NAME}/versions/2", "/v2/models/other/ready"])
def test_unknown_models_and_versions_are_404(client: httpx.Client, path: str) -> None:
    assert client.get(path).json()["code"] == "unknown-model"


def test_a_body_beyond_the_largest_batch_is_413(client: httpx.Client) -> None:
    answer = client.post(f"/v2/models/{NAME}/infer", content=b'{"inputs":[' + b"[]," * 10_000_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def test_many_empty_lists_are_refused(client: httpx.Client) -> None:
    answer = client.post(f"/v2/models/{NAME}/infer", content=b'{"inputs":[' + b"[]," * 100_000)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-request")
    assert "more lists" in answer.json()["error"]


def test_the_largest_batch_fits_with_all_digits(client: httpx.Client) -> None:
    size = int(np.prod(SHAPE[1:]))
    data = np.random.default_rng(1).random(4 * size).reshape(4, *SHAPE[1:]).tolist()
    asked = {"inputs": [{"name": "input", "shape": [4, *SHAPE[1:]], "datatype": "FP32", "data": data}]}
    answer = client.post(f"/v2/models/{NAME}/infer", content=json.dumps(asked))
    assert answer.status_code == 200
    assert answer.json()["outputs"][0]["shape"][0] == 4
