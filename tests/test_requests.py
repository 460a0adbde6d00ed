import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.errors import AffectdError
from device.publish.contract import Json, as_json, encode
from device.publish.requests import MAX_REQUEST_BYTES, answer, requested_privacy


def echo(request: Mapping[str, Any]) -> Json:
    return {"said": request.get("say")}


def fail(_request: Mapping[str, Any]) -> Json:
    raise AffectdError("the camera is gone; plug it in")


HANDLERS = {"echo": echo, "fail": fail}


def test_a_request_is_answered_with_its_transaction() -> None:
    assert as_json(answer("echo", b'{"transaction": "t1", "say": "hi"}', HANDLERS)) == {
        "transaction": "t1", "status": "ok", "data": {"said": "hi"}, "error": None,
    }  # fmt: skip


def test_a_button_may_send_nothing() -> None:
    assert as_json(answer("echo", b"", HANDLERS))["status"] == "ok"


@pytest.mark.parametrize(
    ("verb", "payload", "said"),
    [
        ("fail", b'{"transaction": 7}', "plug it in"),
        ("dance", b"{}", "known: echo, fail"),
        ("echo", b"[1, 2]", "not a JSON object"),
        ("echo", b"\xff\xfe", "not JSON"),
        ("echo", b"[" * 4000, "not JSON"),
        ("echo", b'{"transaction": "' + b"x" * MAX_REQUEST_BYTES + b'"}', "longer than 4096 bytes"),
        ("echo", b'{"transaction": "' + b"x" * 200 + b'"}', "longer than 128"),
        ("echo", b'{"transaction": {"a": 1}}', "neither text nor a whole number"),
        ("echo", b'{"transaction": true}', "neither text nor a whole number"),
        ("echo", b'{"transaction": NaN}', "neither text nor a whole number"),
    ],
)
def test_what_cannot_be_done_is_answered_with_the_reason(verb: str, payload: bytes, said: str) -> None:
    response = as_json(answer(verb, payload, HANDLERS))
    assert (response["status"], response["data"]) == ("error", None)
    assert said in response["error"]


def test_a_failed_request_keeps_its_transaction() -> None:
    assert as_json(answer("fail", b'{"transaction": 7}', HANDLERS))["transaction"] == 7


@settings(deadline=None)
@pytest.mark.slow
@given(
    st.binary() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_no_bytes_bring_the_node_down(payload: bytes) -> None:
    encode(answer("echo", payload, HANDLERS))


@settings(deadline=None)
@pytest.mark.slow
@given(st.text() | st.integers())
def test_a_transaction_comes_back_as_it_was(transaction: str | int) -> None:
    request = json.dumps({"transaction": transaction}).encode()
    response = json.loads(encode(answer("echo", request, HANDLERS)))
    assert response["status"] == "error" or response["transaction"] == transaction


@pytest.mark.parametrize(
    ("payload", "requested"),
    [(b"ON", True), (b"OFF", False), (b"ON\n", True), (b"on", None), (b"", None), (b"1", None)],
)
def test_on_means_that_camera_and_microphone_are_closed(payload: bytes, requested: bool | None) -> None:
    assert requested_privacy(payload) is requested
