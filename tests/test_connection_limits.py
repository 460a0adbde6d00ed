"""Who keeps many connections open shuts nobody out."""

from __future__ import annotations

import shutil
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from server_process import jpeg, serving

from desktop_server.http.connection_limits import ConnectionLimits

pytestmark = pytest.mark.slow


@dataclass(eq=False)
class Client:
    is_idle: bool = True
    is_open: bool = True

    def evict(self) -> None:
        self.is_open = False


def entered(connections: ConnectionLimits, address: str, *clients: Client) -> list[bool]:
    for client in clients:
        connections.add(client, address)
        if not client.is_open:
            connections.remove(client, address)
    return [client.is_open for client in clients]


def test_beyond_per_address_the_least_recently_used_idle_connection_is_closed() -> None:
    connections = ConnectionLimits(per_address=3, total=100)
    busy, used, left, new = Client(is_idle=False), Client(), Client(), Client()
    entered(connections, "one", busy, used, left)
    connections.touch(used, "one")
    assert entered(connections, "two", Client()) == [True]
    entered(connections, "one", new)
    assert [client.is_open for client in (busy, used, left, new)] == [True, True, False, True]


def test_without_an_idle_connection_the_new_one_is_closed() -> None:
    connections = ConnectionLimits(per_address=2, total=100)
    busy = [Client(is_idle=False), Client(is_idle=False)]
    assert entered(connections, "one", *busy) == [True, True]
    assert entered(connections, "one", Client()) == [False]
    assert all(client.is_open for client in busy)


def test_beyond_total_the_address_with_most_connections_loses_one() -> None:
    connections = ConnectionLimits(per_address=100, total=4)
    many, few = [Client(), Client(), Client()], Client()
    entered(connections, "many", *many)
    entered(connections, "few", few)
    assert entered(connections, "new", Client()) == [True]
    assert [client.is_open for client in many] == [False, True, True]
    assert few.is_open


def test_removed_connections_do_not_count() -> None:
    connections = ConnectionLimits(per_address=1, total=1)
    first, second = Client(), Client()
    entered(connections, "one", first)
    connections.remove(first, "one")
    connections.remove(first, "one")
    assert entered(connections, "one", second) == [True]
    assert first.is_open


def test_more_idle_connections_than_descriptors_do_not_block_others(tmp_path: Path) -> None:
    if shutil.which("prlimit") is None:
        pytest.skip("prlimit is not installed; run: apt-get install util-linux")
    few = ["prlimit", "--nofile=256:256"]
    with (
        serving(tmp_path, before=few, server={"idle_s": 600.0}, fleet={"listen": False}) as server,
        ExitStack() as open_,
    ):
        host, port = server.url.removeprefix("http://").split(":")
        for _ in range(400):
            open_.enter_context(socket.create_connection((host, int(port)), timeout=60))
        with server.client() as client:
            assert client.post("/v1/face", content=jpeg()).status_code == 200
        assert "Too many open files" not in server.log.read_text()
