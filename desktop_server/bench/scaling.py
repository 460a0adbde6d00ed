"""The cost of shared subscriptions and of Ray Serve: ``python -m desktop_server.bench.scaling``."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from desktop_server.bench.client import closed_loop, request
from desktop_server.bench.media import PORTRAIT
from desktop_server.bench.server import ServerProcess, family, local_server
from device.bench.local_broker import HOST, local_broker
from device.errors import AffectdError
from device.publish.broker import BrokerAddress
from device.publish.message import Message
from device.publish.mqtt import MqttClient

MESSAGES = 20_000
NODES = 1000
REQUESTS = 50
_IN_FLIGHT = 100
_RAY_START_S = 300.0


def main() -> None:
    """Measure, and write the figures where ``--json`` says."""
    parser = argparse.ArgumentParser(prog="python -m desktop_server.bench.scaling", description=__doc__)
    parser.add_argument("--json", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    figures = {
        "processors": os.cpu_count(),
        "load_1min_at_start": round(os.getloadavg()[0], 1),
        "sharing": [sharing(count) for count in (1, 2)],
        "ray": by_ray(),
    }
    options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def sharing(count: int) -> dict[str, Any]:
    """So many servers count the states of a thousand nodes: processor time and memory of each."""
    with local_broker() as broker, ExitStack() as stack:
        table = f'[mqtt]\nport = {broker.port}\n[sharing]\ngroup = "bench"\n'
        servers = [stack.enter_context(local_server(table)) for _ in range(count)]
        publisher = _connected(BrokerAddress(HOST, broker.port))
        stack.callback(publisher.close)
        empty_bytes = sum(server.resident_bytes() for server in servers)
        _send(publisher, 10 * NODES)  # every node has its counters
        full_bytes = sum(server.resident_bytes() for server in servers)
        before_s = sum(server.cpu_s() for server in servers)
        start_s = time.perf_counter()
        _send(publisher, MESSAGES)
        took_s = time.perf_counter() - start_s
        cpu_s = sum(server.cpu_s() for server in servers) - before_s
        return {
            "servers": count,
            "messages": MESSAGES,
            "sent_hz": round(MESSAGES / took_s),
            "cpu_us_a_message": round(1e6 * cpu_s / MESSAGES, 1),
            "mib_for_a_thousand_nodes": round((full_bytes - empty_bytes) / 2**20 / count, 1),
        }


def by_ray() -> dict[str, Any]:
    """Ray's processes, and its answers beside those of one process, taken in turns."""
    face = request("/v1/face", PORTRAIT.read_bytes(), "image/png")
    with local_server() as plain, _ray_server() as (scaled, started_s):
        processes = family(scaled.pid)
        took: dict[str, list[float]] = {"one_process": [], "ray": []}
        for _ in range(2):
            for name, server in (("one_process", plain), ("ray", scaled), ("ray", scaled), ("one_process", plain)):
                outcomes = asyncio.run(closed_loop(server, face, concurrency=1, until=REQUESTS.__le__))
                took[name] += [1000 * outcome.seconds for outcome in outcomes]
        return {
            "start_s": round(started_s, 1),
            "start_cpu_s": round(scaled.cpu_s(), 1),
            "processes": len(processes),
            "proportional_mib": round(scaled.resident_bytes() / 2**20),
            "one_process_mib": round(plain.resident_bytes() / 2**20),
            "median_face_ms": {name: round(statistics.median(times), 2) for name, times in took.items()},
        }


def _connected(address: BrokerAddress) -> MqttClient:
    client = MqttClient(address, client_id="affectd-bench", subscriptions=[])
    client.open()
    if not client.connections.take(10):
        raise AffectdError(f"no connection to {address}")
    return client


def _send(publisher: MqttClient, count: int) -> None:
    """States of many nodes, as fast as the broker takes them; returns when it has them all."""
    waiting: set[int | None] = set()
    for number in range(count):
        node = f"pi-{number % NODES}"
        waiting.add(publisher.send(Message(f"affectd/{node}/state", _state(node), qos=1)))
        while len(waiting) > _IN_FLIGHT or (number == count - 1 and waiting):
            waiting.discard(publisher.acks.take(10))


def _state(node: str) -> bytes:
    modality = {"present": True, "age_ms": 40.0, "quality": 0.9, "weight": 0.5, "probs": None}
    state = {
        "schema": "affectd.state/1", "node": node, "label": "happy", "latency_ms": {"capture_to_publish": 45.0},
        "modalities": {"face": modality, "speech": modality},
    }  # fmt: skip
    return json.dumps(state).encode()


@contextmanager
def _ray_server() -> Iterator[tuple[ServerProcess, float]]:
    with tempfile.TemporaryDirectory(prefix="affectd-bench-") as folder, Path(os.devnull).open("wb") as nowhere:
        config, port = Path(folder) / "server.toml", 18384
        config.write_text(f'[node]\nstate_dir = "{folder}"\n[server]\nport = {port}\nrate_hz = 1e6\nburst = 4096\n')
        command = [sys.executable, "-m", "desktop_server", "scale-out", "--config", str(config)]
        start_s = time.perf_counter()
        process = subprocess.Popen(command, stdout=nowhere, stderr=nowhere)
        try:
            server = ServerProcess("127.0.0.1", port, process.pid)
            _await_ready(server, process)
            yield server, time.perf_counter() - start_s
        finally:
            process.terminate()
            process.wait(60)


def _await_ready(server: ServerProcess, process: subprocess.Popen[bytes]) -> None:
    ready = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    end_s = time.monotonic() + _RAY_START_S
    while time.monotonic() < end_s and process.poll() is None:
        try:
            if asyncio.run(closed_loop(server, ready, concurrency=1, until=bool))[0].status == 200:
                return
        except (OSError, asyncio.IncompleteReadError):
            time.sleep(0.1)
    raise AffectdError("Ray does not start; run `affectd-server scale-out` to see why")


if __name__ == "__main__":
    main()
