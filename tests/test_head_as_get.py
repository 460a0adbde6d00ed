"""HEAD is answered as GET, without the body, at every address."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest
from fakes import eventually
from server_process import Running, serving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("head")) as it:
        yield it


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 200),
        ("/main.js", 200),
        ("/docs", 200),
        ("/openapi.json", 200),
        ("/asyncapi.json", 200),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/metrics", 200),
        ("/problems/busy", 200),
        ("/v1/server", 200),
        ("/v1/fleet", 200),
        ("/v2/models/affectd-1-face-float32", 200),
        ("/v1/stream", 426),
        ("/v1/face", 405),
        ("/nothing", 404),
    ],
)
def test_head_has_the_status_and_the_headers_of_get(server: Running, path: str, status: int) -> None:
    with server.client() as client:
        head, get = client.head(path), client.get(path)
    assert (head.status_code, get.status_code, head.content) == (status, status, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    if path not in ("/metrics", "/v1/fleet"):  # whose length changes
        assert head.headers["content-length"] == get.headers["content-length"]


def test_head_of_events_ends(server: Running) -> None:
    with server.client() as client:
        head = client.head("/v1/fleet/events")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"].startswith("text/event-stream")
        counted = 'method="HEAD",route="/v1/fleet/events",status="200"} 1.0'
        eventually(lambda: counted in client.get("/metrics").text)  # once the answer is sent


def test_requests_after_a_head_on_one_connection_are_answered(server: Running) -> None:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
    for method in ("HEAD", "GET", "HEAD", "GET"):
        connection.request(method, "/healthz")
        response = connection.getresponse()
        assert (response.status, len(response.read())) == (200, 15 if method == "GET" else 0)
    connection.close()
