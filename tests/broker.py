"""A real mosquitto on a free port, and a subscriber that remembers what it hears."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from fakes import eventually
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from processes import started

HOST = "127.0.0.1"


class Mosquitto:
    """A broker in ``folder``; ``start`` and ``kill`` may be called again and again, the port stays."""

    def __init__(self, folder: Path, *extra: str) -> None:
        self.port = free_port()
        self._folder = folder
        self._config = folder / "mosquitto.conf"
        user = ["user root"] if os.geteuid() == 0 else []
        access = [] if any("allow_anonymous" in line for line in extra) else ["allow_anonymous true"]
        self._config.write_text("\n".join([f"listener {self.port} {HOST}", *user, *access, *extra, ""]))
        self._process: subprocess.Popen[bytes] | None = None
        self._running = ExitStack()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        with (self._folder / "mosquitto.log").open("ab") as log:
            command = [_mosquitto(), "-c", self._config]
            self._process = self._running.enter_context(started(command, stdout=log, stderr=log))
        eventually(lambda: accepts(self.port))

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
        self._running.close()

    def log(self) -> list[str]:
        """The lines of its log, of all its starts."""
        return (self._folder / "mosquitto.log").read_text(encoding="utf-8").splitlines()

    def freeze(self) -> None:
        """The broker hangs: its sockets stay open and nobody reads them."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)


class Listener:
    """Subscribes to everything as somebody else in the house would, and can speak."""

    def __init__(self, port: int, filter_: str = "#") -> None:
        self.port = port
        self.heard: list[tuple[str, bytes, bool]] = []
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_message = self._on_message
        subscribed: list[bool] = []
        self._client.on_subscribe = lambda *_: subscribed.append(True)
        self._client.on_connect = lambda client, *_: client.subscribe(filter_, 1)
        self._client.connect(HOST, port)
        self._client.loop_start()
        eventually(lambda: bool(subscribed))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client.on_message = None  # else it waits for the garbage collector, with its sockets open

    def say(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(5)

    def raw(self, topic: str) -> list[bytes]:
        return [payload for heard, payload, _ in list(self.heard) if heard == topic]

    def json(self, topic: str) -> list[Any]:
        return [json.loads(payload) for payload in self.raw(topic) if payload]

    def topics(self) -> list[str]:
        return [topic for topic, _, _ in list(self.heard)]

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        self.heard.append((message.topic, bytes(message.payload), message.retain))


def eventually_while(step: Callable[[], object], condition: Callable[[], bool], deadline_s: float = 10.0) -> None:
    """Turn a main loop until the condition holds."""

    def turned() -> bool:
        step()
        return condition()

    eventually(turned, deadline_s)


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def make_certificates(folder: Path) -> None:
    """A house's own authority (ca.crt) and a certificate for the broker at 127.0.0.1 (broker.crt, broker.key)."""
    extensions = folder / "san.cnf"
    extensions.write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    _openssl(
        folder, "req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=House", "-days", "2"
    )
    _openssl(folder, "req", *new_key, "-keyout", "broker.key", "-out", "broker.csr", "-subj", "/CN=broker")
    _openssl(
        folder, "x509", "-req", "-in", "broker.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
        "-out", "broker.crt", "-days", "2", "-extfile", str(extensions),
    )  # fmt: skip


def make_password_file(folder: Path, user: str, password: str) -> Path:
    path = folder / "passwords"
    subprocess.run(
        ["mosquitto_passwd", "-c", "-b", str(path), user, password], check=True, capture_output=True, timeout=120
    )
    return path


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=120)


def _mosquitto() -> str:
    found = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None:
        pytest.skip("no mosquitto; install it with: apt install mosquitto")
    return found
