"""End-to-end benchmark: clips in real time through ``affectd run`` and a broker to a subscriber."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from device.bench.local_broker import HOST, LocalBroker, local_broker
from device.errors import AffectdError
from device.publish.broker import BrokerAddress
from device.publish.message import Message
from device.publish.mqtt import MqttClient
from device.publish.topics import HEALTH, STATE, Topics

NODE = "bench"
RATE_HZ = 10.0


@dataclass(frozen=True, slots=True)
class EndToEnd:
    """``latency_ms``: capture to receipt, at p50, p90, p99 and at most. ``cpu_share`` is of one core.

    The ``messages_of_time`` are no part of it: what time alone brings is dated back, so that no reading on its way is
    overtaken.
    """

    broker: str
    seconds: float
    messages: int
    messages_of_time: int
    latency_ms: tuple[float, float, float, float]
    start_to_first_message_s: float
    cpu_share: float
    peak_memory_mib: float
    dropped: dict[str, int]


def measure_end_to_end(media: Sequence[Path], seconds: float) -> EndToEnd:
    """Play the clips over and over for so long. Raises ``AffectdError`` if nothing arrives."""
    with local_broker() as broker, subscriber(broker) as link:
        started_ns = time.monotonic_ns()
        with appliance(media, broker) as process:
            heard = _listen(link, process, started_ns, seconds)
            cpu_share, peak_mib = _usage(process.pid, (time.monotonic_ns() - started_ns) / 1e9)
    p50, p90, p99, most = (float(q) for q in np.percentile(heard.latencies_ms, [50, 90, 99, 100]))
    return EndToEnd(
        broker=broker.kind,
        seconds=seconds,
        messages=len(heard.latencies_ms) + heard.of_time,
        messages_of_time=heard.of_time,
        latency_ms=(p50, p90, p99, most),
        start_to_first_message_s=(heard.first_ns - started_ns) / 1e9,
        cpu_share=cpu_share,
        peak_memory_mib=peak_mib,
        dropped=heard.dropped,
    )


@contextmanager
def subscriber(broker: LocalBroker, *, everything: bool = False) -> Iterator[MqttClient]:
    """A client that hears the node's ``state`` and ``health``, or all it says."""
    topics = Topics(NODE)
    link = MqttClient(
        BrokerAddress(host=HOST, port=broker.port, protocol=broker.protocol),
        client_id="bench-subscriber",
        subscriptions=["affectd/#"] if everything else [topics.address(STATE), topics.address(HEALTH)],
        inbox_capacity=1000,
    )
    link.open()
    try:
        if not link.connections.take(10):
            raise AffectdError(f"the broker {broker.kind} does not let the benchmark in")
        yield link
    finally:
        link.close()


@contextmanager
def appliance(
    media: Sequence[Path], broker: LocalBroker, *, loop: bool = True, heartbeat_s: float = 10.0
) -> Iterator[subprocess.Popen[bytes]]:
    """``affectd run`` as a process that plays these media to that broker; it is ended at the end."""
    with tempfile.TemporaryDirectory(prefix="affectd-") as folder:
        config = Path(folder) / "affectd.toml"
        config.write_text(_configuration(media, broker, Path(folder), loop, heartbeat_s), encoding="utf-8")
        process = subprocess.Popen([sys.executable, "-m", "device", "run", "--config", str(config)])
        try:
            yield process
        finally:
            process.terminate()
            process.wait(15)


def _configuration(media: Sequence[Path], broker: LocalBroker, folder: Path, loop: bool, heartbeat_s: float) -> str:
    return f"""\
[node]
id = "{NODE}"
state_dir = {json.dumps(str(folder))}
[camera]
rate_hz = {RATE_HZ}
[replay]
media = {json.dumps([str(path.resolve()) for path in media])}
loop = {json.dumps(loop)}
[mqtt]
host = "{HOST}"
port = {broker.port}
protocol = "{broker.protocol}"
heartbeat_s = {heartbeat_s}
health_s = 5
[log]
level = "warning"
"""


@dataclass(slots=True)
class _Heard:
    """Messages that the subscriber got so far; ``first_ns`` is 0 until there is something."""

    first_ns: int = 0
    of_time: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)


def _listen(link: MqttClient, process: subprocess.Popen[bytes], started_ns: int, seconds: float) -> _Heard:
    heard = _Heard()
    while time.monotonic_ns() - started_ns < seconds * 1e9:
        message = link.inbox.take(0.5)
        now_ns = time.monotonic_ns()
        if process.poll() is not None:
            raise AffectdError(f"the appliance ended with {process.returncode}; its messages above say why")
        if message is not None:
            _take_in(heard, message, now_ns)
    if not heard.latencies_ms:
        raise AffectdError(f"no estimate arrived within {seconds:g} s")
    return heard


def _take_in(heard: _Heard, message: Message, now_ns: int) -> None:
    content = json.loads(message.payload)
    if message.address.endswith("/health"):
        heard.dropped = content["dropped"]
        return
    heard.first_ns = heard.first_ns or now_ns
    if is_of_time(content):
        heard.of_time += 1
    else:
        heard.latencies_ms.append((now_ns - content["mono_ns"]) / 1e6)


def is_of_time(state: Mapping[str, Any]) -> bool:
    """Whether time alone brought this estimate: one that a reading brings is as old as the newest of them."""
    return all(modality["age_ms"] != 0 for modality in state["modalities"].values())


def _usage(pid: int, seconds: float) -> tuple[float, float]:
    """Share of one core since the start, and peak resident memory in MiB (Linux /proc)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    peak_kib = int(status.partition("VmHWM:")[2].split()[0])
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return ticks / 100 / seconds, peak_kib / 1024  # USER_HZ is 100 on Linux
