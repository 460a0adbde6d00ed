"""No client holds every live stream."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from server_process import Running, serving
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from desktop_server.http.stream_slots import StreamSlots
from desktop_server.schema.problems import RequestError
from desktop_server.settings import Limits, streams_per_client

pytestmark = pytest.mark.slow


def held(slots: StreamSlots, stack: ExitStack, client: str) -> str:
    """Empty, or the code of the refusal."""
    try:
        stack.enter_context(slots.hold(client))
    except RequestError as error:
        return error.code
    return ""


def test_a_client_beyond_its_share_is_refused_and_another_is_not() -> None:
    slots = StreamSlots(count=3, per_client=2)
    with ExitStack() as stack:
        assert [held(slots, stack, "a") for _ in range(3)] == ["", "", "too-many-streams"]
        assert held(slots, stack, "b") == ""
        assert held(slots, stack, "c") == "busy"
    with ExitStack() as stack:
        assert [held(slots, stack, client) for client in "aab"] == ["", "", ""]


@pytest.mark.parametrize(("streams", "share"), [(1, 1), (2, 1), (3, 1), (8, 4)])
def test_the_default_share_is_half_of_the_streams(streams: int, share: int) -> None:
    assert streams_per_client(Limits(streams=streams)) == share


def open_stream(server: Running, address: str) -> ClientConnection:
    url: Any = server.url.replace("http", "ws") + "/v1/stream"
    return connect(url, proxy=None, source_address=(address, 0))


def test_an_address_with_all_its_streams_is_told_so_and_other_addresses_are_served(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"streams": 4}, fleet={"listen": False}) as server, ExitStack() as stack:
        for _ in range(2):
            socket = stack.enter_context(open_stream(server, "127.0.0.1"))
            socket.send("{}")
            assert json.loads(socket.recv(10))["type"] == "ready"
        refused = stack.enter_context(open_stream(server, "127.0.0.1"))
        assert json.loads(refused.recv(10))["code"] == "too-many-streams"
        with pytest.raises(ConnectionClosed) as caught:
            refused.recv(10)
        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1008, "too-many-streams")
        other = stack.enter_context(open_stream(server, "127.0.0.2"))
        other.send("{}")
        assert json.loads(other.recv(10))["type"] == "ready"
        with server.client() as client:
            assert client.get("/v1/server").json()["limits"]["streams_per_client"] == 2
            assert 'affectd_refused_total{reason="too-many-streams"} 1.0' in client.get("/metrics").text
