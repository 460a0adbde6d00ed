"""Requests that cannot be answered, and connections that stall or are lost."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fakes import eventually
from http_answers import answered, problem
from server_process import Running, jpeg, serving

from desktop_server.schema.problems import PROBLEM_TYPES

pytestmark = pytest.mark.slow

FORM = b'--b\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\nx\r\n--b--\r\n'

BINARY_TENSORS = {"Inference-Header-Content-Length": "12"}


@pytest.mark.parametrize(
    ("path", "options", "code"),
    [
        ("/v1/face", {"files": {"sound": b"x"}}, "unknown-field"),
        ("/v1/face", {"data": {"picture": "text"}}, "unsupported-media"),
        ("/v1/fused", {"content": b"x"}, "malformed-request"),
        ("/v1/fused", {"files": {"picture": jpeg()}}, "missing-media"),
        ("/v1/fused", {"files": {"video": b"x", "picture": b"x"}}, "malformed-request"),
        ("/v1/face?fusion=median", {"files": {"picture": jpeg()}}, "invalid-parameter"),
        ("/v1/face?mode=speech", {"files": {"picture": jpeg()}}, "invalid-parameter"),
        ("/v1/face?compare=perhaps", {"files": {"picture": jpeg()}}, "invalid-parameter"),
        ("/v1/face", {"content": b"x", "headers": {"content-type": "multipart/form-data"}}, "malformed-request"),
        (
            "/v1/face",
            {"content": b"--b\r\nx\r\n\r\n", "headers": {"content-type": "multipart/form-data; boundary=b"}},
            "malformed-request",
        ),
        (
            "/v1/face",
            {"content": b"--b\r\n", "headers": {"content-type": "multipart/form-data; boundary=b"}},
            "missing-media",
        ),
        (
            "/v1/face",
            {"content": FORM, "headers": {"content-type": "multipart/form-data; boundary=b; charset=undefined"}},
            "malformed-request",
        ),
        ("/v1/nothing", {"content": b"x"}, "not-found"),
        ("/healthz", {}, "method-not-allowed"),
    ],
)
def test_a_bad_request_gets_its_problem_code(client: httpx.Client, path: str, options: Any, code: str) -> None:
    assert problem(client.post(path, **options))["code"] == code


@pytest.mark.parametrize(
    ("method", "path", "options", "code", "words"),
    [
        (
            "POST",
            "/v1/face?fuson=average",
            {},
            "unknown-parameter",
            "no query parameter 'fuson'; did you mean 'fusion'?",
        ),
        ("POST", "/v1/speech?crop=true", {}, "unknown-parameter", "known are mode, fusion, compare, explain"),
        ("GET", "/v1/server?verbose=1", {}, "unknown-parameter", "this address takes none"),
        ("GET", "/metrics?x=", {}, "unknown-parameter", "'x'"),
        ("GET", "/v2/models/affectd-1-face?version=1", {}, "unknown-parameter", "'version'"),
        ("POST", "/v1/face?mode=face&mode=face", {}, "malformed-request", "'mode' is there 2 times"),
        ("POST", "/v1/face", {"headers": {"X-Fusion": "average"}}, "unknown-header", "in the query: ?fusion=average"),
        ("POST", "/v1/face", {"headers": {"compare": "true"}}, "unknown-header", "?compare=true"),
        ("POST", "/v1/face", {"headers": {"Content-Encoding": "gzip"}}, "unknown-header", "without compression"),
        ("POST", "/v2/models/affectd-1-face/infer", {"headers": BINARY_TENSORS}, "unknown-header", "read as JSON"),
        (
            "POST",
            "/v1/face",
            {"files": {"fusion": (None, "average")}},
            "unknown-field",
            "in the query: ?fusion=average",
        ),
        ("POST", "/v1/face", {"files": {"mode": b"face"}}, "unknown-field", "in the query: ?mode=…"),
        ("POST", "/v1/face", {"json": {"picture": "aGFsbG8="}}, "unsupported-media", "comes as application/json"),
        ("POST", "/v1/face", {"data": {"picture": "face.jpg"}}, "unsupported-media", "as the field 'picture'"),
    ],
)
def test_unknown_parameters_headers_and_fields_are_refused_with_a_hint(
    client: httpx.Client, method: str, path: str, options: Any, code: str, words: str
) -> None:
    said = problem(client.request(method, path, **options))
    assert said["code"] == code
    assert words in said["detail"]


def test_a_file_with_the_content_type_of_curl_data_binary_is_read(client: httpx.Client) -> None:
    """As `curl --data-binary @face.jpg` sends it."""
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert answered(client.post("/v1/face", content=jpeg(), headers=kind)).estimate.label == "happy"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/face", "POST"),
        ("GET", "/v1/fused", "POST"),
        ("GET", "/v2/models/affectd-1-face/infer", "POST"),
        ("POST", "/v1/server", "GET, HEAD"),
        ("DELETE", "/healthz", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
        ("POST", "/main.js", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_405_with_allow(client: httpx.Client, method: str, path: str, allowed: str) -> None:
    response = client.request(method, path)
    assert problem(response)["code"] == "method-not-allowed"
    assert response.headers["allow"] == allowed
    assert allowed in response.json()["detail"]


def test_the_stream_without_an_upgrade_is_426(client: httpx.Client) -> None:
    response = client.get("/v1/stream")
    assert problem(response)["code"] == "upgrade-required"
    assert response.headers["upgrade"] == "websocket"


def test_a_file_field_that_comes_twice_is_refused(client: httpx.Client) -> None:
    twice = [("picture", jpeg()), ("picture", jpeg())]
    assert problem(client.post("/v1/face", files=twice))["code"] == "malformed-request"


def raw(server: Running) -> socket.socket:
    parts = urlsplit(server.url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20)


def head(length: int) -> bytes:
    return f"POST /v1/face HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode()


def test_a_body_that_stalls_is_408(server: Running) -> None:
    with raw(server) as connection:
        connection.sendall(head(1000) + b"a few bytes, and then nothing")
        assert connection.recv(100).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    ("first_bytes", "bytes_a_piece", "pieces", "status"),
    [(60_000, 60_000, 12, b"413"), (10, 10, 12, b"408"), (1_000_000, 10, 24, b"408")],
)
def test_a_slow_body_that_keeps_moving_is_accepted(
    server: Running, first_bytes: int, bytes_a_piece: int, pieces: int, status: bytes
) -> None:
    """Longer than a pause may be; it turns out to be too large at its end, but for one that comes in drops."""
    with raw(server) as connection:
        connection.sendall(b"POST /v1/face HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.settimeout(0.3)
        said = b""
        for size in [first_bytes, *[bytes_a_piece] * (pieces - 1)]:
            connection.sendall(b"%x\r\n%s\r\n" % (size, bytes(size)))
            with suppress(TimeoutError):  # the server says nothing yet
                said = connection.recv(100)
                break
        connection.settimeout(20)
        if not said:
            connection.sendall(b"%x\r\n%s\r\n" % (9 * 2**20, bytes(9 * 2**20)))
            said = connection.recv(100)
        assert said.startswith(b"HTTP/1.1 " + status)


def test_a_connection_without_a_complete_head_is_closed(server: Running) -> None:
    with raw(server) as silent, raw(server) as slow:
        slow.sendall(b"POST /v1/face HTTP/1.1\r\nHost: lo")
        assert (silent.recv(100), slow.recv(100)) == (b"", b"")


def test_a_head_beyond_64_kib_is_413_or_closed(server: Running) -> None:
    with raw(server) as connection:
        try:
            for _ in range(10_000):
                connection.sendall(b"GET / HTTP/1.1\r\n" if _ == 0 else b"X-More: " + bytes([97]) * 100 + b"\r\n")
            assert connection.recv(100)[:12] in (b"", b"HTTP/1.1 413")
        except (BrokenPipeError, ConnectionResetError):
            pass


def test_concurrent_bodies_share_a_memory_budget(tmp_path: Path) -> None:
    small = {"body_mib": 1.0, "bodies_mib": 1.5}
    with serving(tmp_path, limits=small, server={"rate_hz": 1e6}) as server, server.client() as client:
        with ExitStack() as held:

            def is_full() -> bool:
                """Another body is on its way, all but its last byte; of two that come at once either may be refused."""
                held.enter_context(raw(server)).sendall(head(2**20) + bytes(2**20 - 1))
                return client.post("/v1/face", content=bytes(2**20 - 1)).status_code == 503

            eventually(is_full)
            refused = client.post("/v1/face", content=bytes(2**20 - 1))
            assert (refused.status_code, refused.json()["code"]) == (503, "busy")
            assert int(refused.headers["retry-after"]) >= 1
            assert answered(client.post("/v1/face", content=jpeg())).estimate.label == "happy"
        eventually(lambda: client.post("/v1/face", content=bytes(2**20 - 1)).status_code == 415)


def test_a_lost_connection_causes_no_error(server: Running, client: httpx.Client) -> None:
    with raw(server) as half:
        half.sendall(head(len(jpeg())) + jpeg()[:1000])
    with raw(server) as impatient:
        impatient.sendall(head(len(jpeg())) + jpeg())
    assert answered(client.post("/v1/face", content=jpeg())).estimate.label == "happy"
    assert "Traceback" not in server.log.read_text()


def test_every_problem_code_is_explained_at_its_address(client: httpx.Client) -> None:
    for code, kind in PROBLEM_TYPES.items():
        meaning = client.get(f"/problems/{code}").json()
        assert (meaning["status"], meaning["title"]) == (kind.status, kind.title)
    assert problem(client.get("/problems/nothing"))["code"] == "not-found"
    assert problem(client.get("/nothing"))["code"] == "not-found"
