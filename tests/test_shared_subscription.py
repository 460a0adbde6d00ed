"""Several servers share what the nodes of a fleet say, over a real broker."""

import asyncio
import itertools
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from broker import HOST, Listener, Mosquitto, eventually_while
from fakes import eventually
from fleet_messages import event, state
from prometheus_client import CollectorRegistry
from server_process import Running, serving

from desktop_server.fleet.metrics import FleetMetrics
from desktop_server.fleet.shared_subscription import SharedSubscription
from device.errors import ConfigError
from device.publish.broker import BrokerAddress
from device.publish.message import Message

pytestmark = pytest.mark.slow

PROBE = "affectd/probe/state"

NODES = [f"pi-{number}" for number in range(8)]


class Server:
    """A server's share of the load, and what it counted."""

    def __init__(self, port: int, group: str = "servers", prefix: str = "affectd") -> None:
        self.registry = CollectorRegistry()
        self.heard: list[bytes] = []
        self.probes: list[bytes] = []
        metrics = FleetMetrics(self.registry, prefix=prefix)

        def handle(message: Message) -> None:
            if message.address == PROBE:
                self.probes.append(message.payload)
            else:
                self.heard.append(message.payload)
                metrics.observe(message)

        self.load = SharedSubscription(
            BrokerAddress(HOST, port), group=group, handle=handle, registry=self.registry, prefix=prefix
        )

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"affectd_fleet_{name}", labels) or 0.0


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as broker:
        yield broker


@pytest.fixture
def house(mosquitto: Mosquitto) -> Iterator[Listener]:
    with Listener(mosquitto.port, "nothing") as house:
        yield house


def joined(stack: ExitStack, house: Listener, servers: list[Server]) -> None:
    """Open them and wait until the broker gives each a share."""
    for server in servers:
        stack.enter_context(server.load)

    def probe() -> None:
        house.say(PROBE, b"")
        for server in servers:
            server.load.drain()

    eventually_while(probe, lambda: all(server.probes for server in servers))


def drain(servers: list[Server], count: int) -> list[bytes]:
    eventually_while(
        lambda: [server.load.drain() for server in servers],
        lambda: sum(len(server.heard) for server in servers) >= count,
    )
    return sorted(itertools.chain.from_iterable(server.heard for server in servers))


def test_two_servers_share_and_each_message_is_counted_once(mosquitto: Mosquitto, house: Listener) -> None:
    servers = [Server(mosquitto.port), Server(mosquitto.port)]
    with ExitStack() as stack:
        joined(stack, house, servers)
        for node in NODES * 5:
            house.say(f"affectd/{node}/state", state(node))
        assert drain(servers, 40) == sorted(state(node) for node in NODES * 5)
    assert all(len(server.heard) >= 10 for server in servers)
    for node in NODES:
        assert sum(server.count("estimates_total", node=node, label="happy") for server in servers) == 5


def test_another_group_and_the_rest_of_the_house_hear_all_the_same(mosquitto: Mosquitto, house: Listener) -> None:
    servers = [Server(mosquitto.port, "one"), Server(mosquitto.port, "two")]
    with ExitStack() as stack, Listener(mosquitto.port, "affectd/+/state") as watcher:
        joined(stack, house, servers)
        for node in NODES:
            house.say(f"affectd/{node}/state", state(node))
        drain(servers, 16)
        eventually(lambda: {*watcher.topics()} >= {f"affectd/{node}/state" for node in NODES})
    assert [len(server.heard) for server in servers] == [8, 8]


def test_real_servers_share_and_one_takes_over_when_the_other_is_killed(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        one, other = (stack.enter_context(real_server(tmp_path / name, mosquitto.port)) for name in ("one", "other"))
        clients = [stack.enter_context(server.client()) for server in (one, other)]
        eventually_while(
            lambda: house.say("affectd/probe/state", state("probe")),
            lambda: all(counted(client, "probe") for client in clients),
            30,
        )
        for node in NODES * 5:
            house.say(f"affectd/{node}/state", state(node))
        eventually(lambda: sum(counted(client, *NODES) for client in clients) == 40)
        assert all(counted(client, *NODES) >= 10 for client in clients)
        os.kill(one.pid, signal.SIGKILL)
        log = tmp_path / "mosquitto.log"
        eventually(lambda: re.search(r"Client affectd-share-\w+ closed", log.read_text()) is not None)
        for node in NODES:
            house.say(f"affectd/after-{node}/state", state(f"after-{node}"))
        eventually(lambda: counted(clients[1], *(f"after-{node}" for node in NODES)) == 8)


@contextmanager
def real_server(folder: Path, port: int) -> Iterator[Running]:
    folder.mkdir()
    with serving(folder, mqtt={"host": HOST, "port": port}, sharing={"group": "servers"}) as server:
        yield server


def counted(client: httpx.Client, *nodes: str) -> float:
    """States of these nodes in a server's metrics."""
    lines = client.get("/metrics").text.splitlines()
    told = [line.rpartition(" ") for line in lines if line.startswith("affectd_fleet_estimates_total{")]
    return sum(float(value) for name, _, value in told if any(f'node="{node}"' in name for node in nodes))


def test_a_leaving_member_counts_its_queued_messages(mosquitto: Mosquitto, house: Listener) -> None:
    server = Server(mosquitto.port)
    with ExitStack() as stack:
        joined(stack, house, [server])
        house.say(PROBE, b"last")
        eventually_while(server.load.drain, lambda: server.probes[-1] == b"last")
        for node in NODES:
            house.say(f"affectd/{node}/state", state(node))
        house.say("affectd/pi-0/event", event("pi-0"))
        eventually(lambda: server.load.queued == 9)
    assert len(server.heard) == 9


def test_a_broker_that_restarts_is_shared_again(mosquitto: Mosquitto, house: Listener) -> None:
    server = Server(mosquitto.port)
    with ExitStack() as stack:
        joined(stack, house, [server])
        mosquitto.kill()
        eventually(lambda: server.count("connected") == 0)
        mosquitto.start()
        with Listener(mosquitto.port, "nothing") as again:
            eventually_while(
                lambda: again.say("affectd/pi-1/state", state("pi-1")),
                lambda: server.load.drain() >= 0 and bool(server.heard),
                20,
            )
    assert server.count("estimates_total", node="pi-1", label="happy") > 0


POISON = {
    "nothing": b"",
    "no JSON": b"\xff\xfe{",
    "depths": b"[" * 60_000,
    "a list": b"[]",
    "another schema": b'{"schema":"affectd.state/2","node":"pi-0"}',
    "no label": b'{"schema":"affectd.state/1","node":"pi-0","latency_ms":{"capture_to_publish":1},"modalities":{}}',
    "an unknown label": state("pi-0").replace(b'"happy"', b'"<script>"', 1),
    "NaN": state("pi-0").replace(b'"capture_to_publish":null', b'"capture_to_publish":NaN'),
    "a latency below nothing": state("pi-0").replace(b'"capture_to_publish":null', b'"capture_to_publish":-1'),
    "a picture": b"\xff\xd8\xff\xe0" + bytes(40_000),
}


@pytest.mark.parametrize("payload", POISON.values(), ids=POISON.keys())
def test_a_malformed_message_is_refused_and_the_next_counted(
    payload: bytes, mosquitto: Mosquitto, house: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(mosquitto.port)
    with ExitStack() as stack:
        joined(stack, house, [server])
        for said in (payload, payload, state("pi-0")):
            house.say("affectd/pi-0/state", said)
        drain([server], 3)
    assert server.count("refused_total", reason="malformed") == 2
    assert server.count("estimates_total", node="pi-0", label="happy") == 1
    assert caplog.text.count("refused a message at 'affectd/pi-0/state'") == 1


def test_it_works_beside_a_server_and_ends_when_it_is_cancelled(mosquitto: Mosquitto, house: Listener) -> None:
    server = Server(mosquitto.port)

    async def serving() -> None:
        task = asyncio.create_task(server.load.run())
        while not server.heard:
            await asyncio.to_thread(house.say, "affectd/pi-0/state", state("pi-0"))
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    with server.load:
        asyncio.run(asyncio.wait_for(serving(), 10))
    assert server.count("estimates_total", node="pi-0", label="happy") >= 1


@pytest.mark.parametrize("group", ["", "a/b", "a b", "+", "x" * 65])
def test_a_group_that_is_no_part_of_a_topic_is_refused(group: str) -> None:
    with pytest.raises(ConfigError, match="use 1 to 64 letters"):
        Server(1883, group)


def test_a_broker_of_the_old_protocol_is_refused() -> None:
    address = BrokerAddress(protocol="3.1.1")
    with pytest.raises(ConfigError, match=r"mqtt.protocol '3.1.1' has no shared subscriptions"):
        SharedSubscription(address, group="x", handle=print, registry=CollectorRegistry())


def test_shared_topics_carry_no_picture_and_no_sound() -> None:
    code = (
        "import sys, desktop_server.fleet.shared_subscription, desktop_server.fleet.metrics; print(sys.modules.keys())"
    )
    loaded: Any = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert "device.publish.mqtt" in loaded
    assert not [m for m in ("device.signals", "device.capture", "device.features", "device.models") if m in loaded]
