"""A local MQTT broker for a while: for the demonstration and the benchmark, on this machine only."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from device.errors import AffectdError

HOST = "127.0.0.1"
_START_S = 15.0

_MOSQUITTO = """\
listener {port} {host}
allow_anonymous true
set_tcp_nodelay true
"""
_AMQTT = """\
listeners:
  default:
    type: tcp
    bind: {host}:{port}
plugins:
  amqtt.plugins.authentication.AnonymousAuthPlugin:
    allow_anonymous: true
"""


@dataclass(frozen=True, slots=True)
class LocalBroker:
    """Which broker runs, where, and what it speaks."""

    kind: str
    port: int
    protocol: str


@contextmanager
def local_broker() -> Iterator[LocalBroker]:
    """mosquitto where it is installed, else amqtt. Raises ``AffectdError`` if neither starts."""
    with tempfile.TemporaryDirectory(prefix="affectd-broker-") as folder:
        port = _free_port()
        kind, command = _command(Path(folder), port)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _await(process, port, kind)
            yield LocalBroker(kind, port, "5" if kind == "mosquitto" else "3.1.1")
        finally:
            process.terminate()
            process.wait()


def _command(folder: Path, port: int) -> tuple[str, list[str]]:
    mosquitto = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if mosquitto:
        config = folder / "mosquitto.conf"
        user = "user root\n" if os.geteuid() == 0 else ""
        config.write_text(_MOSQUITTO.format(host=HOST, port=port) + user, encoding="utf-8")
        return "mosquitto", [mosquitto, "-c", str(config)]
    config = folder / "amqtt.yaml"
    config.write_text(_AMQTT.format(host=HOST, port=port), encoding="utf-8")
    return "amqtt", [str(Path(sys.executable).parent / "amqtt"), "-c", str(config)]


def _await(process: subprocess.Popen[bytes], port: int, kind: str) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection((HOST, port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AffectdError(f"the broker {kind} did not start; install mosquitto, or pip install 'affectd[demo]'")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
