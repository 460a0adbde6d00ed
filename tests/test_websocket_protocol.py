"""A WebSocket that is refused gets a problem document, and leaves no line in the log."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from server_process import Running, serving
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

pytestmark = pytest.mark.slow

UPGRADE = b"Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("websocket"), fleet={"listen": False}) as it:
        yield it
        assert [line for line in it.log.read_text().splitlines() if " INFO " not in line] == []


def raw_answer(server: Running, request: bytes) -> tuple[bytes, Any]:
    """The status line, and the problem; the connection must end after it."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    return head.partition(b"\r\n")[0], json.loads(body)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /v1/stream HTTP/1.1\r\n" + UPGRADE + b"\r\n",
        b"GET /v1/stream HTTP/1.1\r\n" + UPGRADE.replace(b"13", b"12") + KEY + b"\r\n",
        b"POST /v1/stream HTTP/1.1\r\n" + UPGRADE + KEY + b"\r\n",
        b"GET /v1/stream HTTP/1.1\r\n" + UPGRADE + KEY + b"X-Long: " + b"a" * 9000 + b"\r\n\r\n",
        b"GET /v1/stream HTTP/1.1\r\n" + UPGRADE + KEY + b"X-Many: a\r\n" * 200 + b"\r\n",
    ],
    ids=["no key", "version", "POST", "long header", "many headers"],
)
def test_a_malformed_handshake_gets_a_problem_and_the_connection_is_closed(
    server: Running, request_bytes: bytes
) -> None:
    status, problem = raw_answer(server, request_bytes)
    assert (status, problem["code"]) == (b"HTTP/1.1 400 Bad Request", "malformed-request")


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/v1/stream?mode=face", {}, 400, "unknown-parameter"),
        ("/v1/stream", {"X-Mode": "face"}, 400, "unknown-header"),
        ("/v1/stream", {"X-Rate-Hz": "48000"}, 400, "unknown-header"),
        ("/v1/stream", {"Origin": "https://evil.example"}, 403, "foreign-origin"),
        ("/v1/face", {}, 404, "not-found"),
        ("/nothing", {}, 404, "not-found"),
    ],
)
def test_a_refused_stream_gets_a_problem(
    server: Running, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    url: Any = server.url.replace("http", "ws") + path
    with pytest.raises(InvalidStatus) as caught, connect(url, additional_headers=headers, proxy=None):
        pass
    response = caught.value.response
    assert (response.status_code, json.loads(response.body or b"{}")["code"]) == (status, code)
    assert response.headers["Content-Type"] == "application/problem+json"


def test_refusals_of_streams_are_counted(server: Running) -> None:
    raw_answer(server, b"GET /v1/stream HTTP/1.1\r\n" + UPGRADE + b"\r\n")
    with server.client() as client:
        assert 'affectd_refused_total{reason="malformed-request"}' in client.get("/metrics").text


def test_text_that_is_no_utf8_ends_a_stream_with_1007(server: Running) -> None:
    url: Any = server.url.replace("http", "ws") + "/v1/stream"
    with connect(url, proxy=None) as stream:
        stream.send(b"\xff\xfe", text=True)
        with pytest.raises(ConnectionClosed) as caught:
            stream.recv(10)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1007
