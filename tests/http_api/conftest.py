"""A server for many tests, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from http_answers import LIMITS
from server_process import Running, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, limits=LIMITS, server={"rate_hz": 1e6, "burst": 4096, "body_s": 2.0, "idle_s": 1.0}) as it:
        yield it


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[httpx.Client]:
    with server.client() as it:
        yield it
