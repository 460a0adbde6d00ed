"""What is no HTTP is answered with a problem document, as every other error."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from server_process import Running, serving
from test_websocket_protocol import raw_answer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("malformed"), fleet={"listen": False}) as it:
        yield it
        assert [line for line in it.log.read_text().splitlines() if " INFO " not in line] == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"no request\r\n\r\n",
        b"GET / HTTP/9.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nno header\r\n\r\n",
        b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /v1/face HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"POST /v1/face HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_malformed_http_gets_a_problem(server: Running, request_bytes: bytes) -> None:
    status, problem = raw_answer(server, request_bytes)
    assert (status, problem["code"]) == (b"HTTP/1.1 400 Bad Request", "malformed-request")
    with server.client() as client:
        assert 'affectd_refused_total{reason="malformed-request"}' in client.get("/metrics").text
