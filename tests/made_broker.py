"""A broker that deploy/mosquitto makes, and guests who log in with what it hands out."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from appliance import ROOT
from broker import HOST
from fakes import eventually
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

COMMAND = ROOT / "deploy" / "mosquitto" / "make_broker.py"
NO_SUBSCRIBERS, NOT_AUTHORIZED = 0x10, 0x87


def make_broker(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The command as an owner calls it, in a Python without any package."""
    return subprocess.run(
        [sys.executable, "-E", "-S", str(COMMAND), "--folder", str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **(environment or {})},
    )


class House:
    """A made broker that runs."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port

    def password(self, user: str) -> str:
        return (self.folder / "hand_out" / user / "mqtt-password").read_text().strip()

    @contextmanager
    def login(self, user: str, *filters: str, will: str = "") -> Iterator[Guest]:
        guest = Guest(self, user, filters, will)
        try:
            yield guest
        finally:
            guest.leave()


class Guest:
    """Somebody who logged in over TLS, with what was handed out, and remembers what is heard."""

    def __init__(self, house: House, user: str, filters: tuple[str, ...] = (), will: str = "") -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.receipts: dict[int, int] = {}
        self.answers: list[int] = []
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.username_pw_set(user, house.password(user))
        self._client.tls_set_context(strict_context(house.folder / "hand_out" / user / "ca.crt"))
        self._client.on_message = self._on_message
        self._client.on_publish = lambda _c, _u, number, code, _p: self.receipts.update({number: code.value})
        self._client.on_connect = lambda _c, _u, _f, code, _p: self.answers.append(code.value)
        subscribed: list[int] = []
        self._client.on_subscribe = lambda _c, _u, number, *_: subscribed.append(number)
        if will:
            self._client.will_set(will, b"gone", 1)
        self._client.connect(HOST, house.port)
        self._client.loop_start()
        eventually(lambda: bool(self.answers))
        if filters and not self.answers[0]:
            self._client.subscribe([(name, 1) for name in filters])
            eventually(lambda: bool(subscribed))

    def may_say(self, topic: str, payload: str = "x", *, retain: bool = False) -> bool:
        """Say it; whether the broker took it."""
        number = self._client.publish(topic, payload, qos=1, retain=retain).mid
        eventually(lambda: number in self.receipts)
        assert self.receipts[number] in (0, NO_SUBSCRIBERS, NOT_AUTHORIZED)
        return self.receipts[number] != NOT_AUTHORIZED

    def topics(self) -> list[str]:
        return [topic for topic, _ in list(self.heard)]

    def vanish(self) -> None:
        """Without a goodbye, so that the last will is said."""
        connection = self._client.socket()
        assert connection is not None
        self._client.on_disconnect = None
        self._client.loop_stop()
        connection.close()

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self.heard.append((message.topic, bytes(message.payload)))


def strict_context(ca_file: Path) -> ssl.SSLContext:
    """As Python 3.13 makes it, whatever runs here."""
    context = ssl.create_default_context(cafile=ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context
