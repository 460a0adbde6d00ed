"""Live pictures and sound over a real WebSocket."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr
from fakes import eventually
from numpy.typing import NDArray
from perception import astronaut, in_a_room, pause, spoken
from server_process import Running, jpeg, serving
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from desktop_server.http.tokens import Tokens

pytestmark = pytest.mark.slow

PROTOCOL = "affectd.stream.1"
STEP_S = 0.1


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("stream")
    with serving(
        folder, limits={"streams": 2, "streams_per_client": 2}, server={"body_s": 1.5}, fusion={"rule": "average"}
    ) as it:
        yield it


@contextmanager
def stream(server: Running, hello: Any, *, protocols: tuple[str, ...] = (PROTOCOL,)) -> Iterator[ClientConnection]:
    url = server.url.replace("http", "ws") + "/v1/stream"
    with connect(url, subprotocols=protocols, proxy=None) as socket:  # type: ignore[arg-type]
        assert isinstance(socket, ClientConnection)
        with suppress(ConnectionClosed):  # whoever is refused is so before it says anything
            socket.send(json.dumps(hello))
        yield socket


def told(socket: ClientConnection) -> Any:
    return json.loads(socket.recv(timeout=10))


def picture(at_s: float, data: bytes | None = None) -> bytes:
    return b"P" + struct.pack(">Q", round(at_s * 1e6)) + (jpeg() if data is None else data)


def sound(at_s: float, samples: NDArray[np.int16]) -> bytes:
    return b"S" + struct.pack(">Q", round(at_s * 1e6)) + samples.astype("<i2").tobytes()


def test_each_picture_is_answered_with_where_the_face_is(server: Running) -> None:
    with stream(server, {"mode": "face"}) as socket:
        ready = told(socket)
        assert (ready["type"], ready["fusion"]) == ("ready", "average")
        assert ready["models"]["face"]["id"] == "affectd-1-face-float32"
        for number in range(5):
            socket.send(picture(number * STEP_S))
            said = told(socket)
            assert (said["type"], said["estimate"]["label"]) == ("estimate", "happy")
            assert said["estimate"]["at_s"] == pytest.approx(number * STEP_S)
            assert 0 < said["face"]["left_px"] < said["picture"]["width_px"] == 360
            assert said["int8"] is None


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_speech_is_estimated_at_the_clients_sample_rate_in_float_and_int8(server: Running, rate_hz: int) -> None:
    samples = in_a_room(pause(0.3), spoken(3.0), pause(1.0))
    samples = soxr.resample(samples, 16_000, rate_hz).astype(np.int16)
    step = round(rate_hz * STEP_S)
    with stream(server, {"mode": "speech", "rate_hz": rate_hz, "compare": True}) as socket:
        assert told(socket)["int8_models"]["speech"]["id"] == "affectd-1-speech"
        for number, at in enumerate(range(0, len(samples), step)):
            socket.send(sound(number * STEP_S, samples[at : at + step]))
        said = told(socket)
        while not said["estimate"]["modalities"]["speech"]["present"]:
            said = told(socket)
        assert said["int8"]["modalities"]["speech"]["present"]
        assert said["dropped_sounds"] == 0


def test_a_bad_picture_gets_a_problem_and_the_next_one_an_estimate(server: Running) -> None:
    with stream(server, {"mode": "face"}) as socket:
        told(socket)
        socket.send(picture(0.0, b"I am no picture"))
        assert told(socket)["code"] == "unsupported-media"
        socket.send(picture(0.1))
        assert told(socket)["estimate"]["label"] == "happy"


def test_a_frozen_picture_makes_the_label_unknown_after_10_s(server: Running) -> None:
    with stream(server, {"mode": "face"}) as socket:
        told(socket)
        for at_s in (0.0, 5.0, 11.0):
            socket.send(picture(at_s))
            said = told(socket)
        assert said["problem"].startswith("the picture has not changed for 10 s")
        assert not said["estimate"]["modalities"]["face"]["present"]
        assert (said["estimate"]["label"], said["estimate"]["reason"]) == (
            "unknown",
            "camera: the picture has not changed for 10 s",
        )
        socket.send(picture(11.1, jpeg(np.minimum(astronaut(), 250))))
        said = told(socket)
        assert (said["estimate"]["label"], said["problem"]) == ("happy", None)


def test_silence_beside_a_frozen_camera_is_nobody(server: Running) -> None:
    with stream(server, {}) as socket:
        told(socket)
        for at_s in (0.0, 5.0):
            socket.send(picture(at_s))
            told(socket)
        for tenth in range(90, 110):
            socket.send(sound(tenth / 10, np.zeros(1600, dtype=np.int16)))
        for at_s in (11.0, 12.5):
            socket.send(picture(at_s))
        said = told(socket)
        while not said["problem"]:
            said = told(socket)
        assert said["estimate"]["label"] == "nobody"


@pytest.mark.parametrize(
    ("hello", "message", "code"),
    [
        ({"mode": "smell"}, None, "invalid-parameter"),
        ({"more": 1}, None, "invalid-parameter"),
        (dict.fromkeys(map(str, range(1000)), 1), None, "too-large"),
        ({"rate_hz": 1}, None, "invalid-parameter"),
        ([], None, "invalid-parameter"),
        ({}, "text", "malformed-request"),
        ({}, b"", "malformed-request"),
        ({}, b"P1234567", "malformed-request"),
        ({}, b"X12345678", "malformed-request"),
        ({}, b"S" + bytes(8) + b"odd", "malformed-request"),
        ({}, b"S" + bytes(8) + bytes(2 * 40_000), "malformed-request"),
        ({}, b"P" + b"\xff" * 8, "malformed-request"),
        ({}, "", "malformed-request"),
    ],
)
def test_a_protocol_error_gets_a_problem_and_is_closed_with_1008(
    server: Running, hello: Any, message: str | bytes | None, code: str
) -> None:
    with stream(server, hello) as socket:
        if message is not None:
            assert told(socket)["type"] == "ready"
            socket.send(message)
        assert told(socket)["code"] == code
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv(timeout=10)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1008


def test_an_idle_stream_is_closed(server: Running) -> None:
    with stream(server, {}) as socket:
        told(socket)
        assert told(socket)["code"] == "slow-request"


def test_a_message_that_is_too_large_ends_the_stream(server: Running) -> None:
    with stream(server, {}) as socket:
        told(socket)
        socket.send(picture(0.0, bytes(5 * 2**20)))
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)


def test_a_stream_beyond_the_limit_is_busy(server: Running) -> None:
    with stream(server, {}) as one, stream(server, {}) as two:
        told(one), told(two)
        with stream(server, {}) as three:
            assert told(three)["code"] == "busy"

    def free() -> bool:
        with stream(server, {}) as again:
            return bool(told(again)["type"] == "ready")

    eventually(free)


def test_a_lost_connection_causes_no_error(server: Running) -> None:
    with stream(server, {}) as socket:
        told(socket)
        socket.send(picture(0.0))
        socket.socket.close()
    with server.client() as client:
        assert client.get("/healthz").status_code == 200
    assert "Traceback" not in server.log.read_text()


def test_a_token_comes_as_a_sub_protocol_since_browsers_cannot_set_headers(tmp_path: Path) -> None:
    token = Tokens(tmp_path / "tokens.json").create("page")
    with serving(tmp_path) as server:
        with stream(server, {}, protocols=(PROTOCOL, f"affectd.token.{token}")) as socket:
            assert socket.subprotocol == PROTOCOL
            assert told(socket)["type"] == "ready"
        for wrong in ((PROTOCOL,), (PROTOCOL, "affectd.token.x")):
            with pytest.raises(InvalidStatus) as caught, stream(server, {}, protocols=wrong):
                pass
            assert caught.value.response.status_code == 401
            assert b"-token" in caught.value.response.body


def test_a_foreign_origin_is_forbidden_to_open_a_stream(server: Running) -> None:
    url = server.url.replace("http", "ws") + "/v1/stream"
    with pytest.raises(InvalidStatus) as caught, connect(url, origin="https://evil.example", proxy=None):  # type: ignore[arg-type]
        pass
    assert caught.value.response.status_code == 403
