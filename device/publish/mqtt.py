"""MQTT client. The only module that knows paho; its thread does nothing but put things in a queue."""

from __future__ import annotations

import logging
import random
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

from paho.mqtt import client as paho  # noqa: TID251 - this is the one file that may
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion  # noqa: TID251
from paho.mqtt.packettypes import PacketTypes  # noqa: TID251
from paho.mqtt.properties import Properties  # noqa: TID251
from paho.mqtt.reasoncodes import ReasonCode  # noqa: TID251

from device.publish.broker import BrokerAddress, require_usable_broker, tls_context, warn_of_risks
from device.publish.connection_monitor import ConnectionMonitor
from device.publish.message import Message
from device.publish.packet_limit import PacketLimit, Sent, packet_bytes
from device.threads.abandonable import within
from device.threads.handover import DropOldest

_log = logging.getLogger(__name__)

MAX_INBOUND_BYTES = 65_536
"""Told to an MQTT 5 broker as the largest packet it may send; of a longer one no more than this is kept."""

_URGENT_CAPACITY = 16
"""Wishes that contradict each other within a tenth of a second; the last one counts."""

_MAX_QUEUED = 200
_RECONNECT_MIN_S, _RECONNECT_MAX_S = 1, 30
_DISCONNECT_S = 2.0
_LOOP_END_S = 1.0
_FAILED = 0x80  # reason codes from here on are refusals
_TAKEN_OVER = 0x8E
_TOO_LARGE = 0x95


class MqttClient:
    """One client of one broker, which reconnects by itself for as long as it is open.

    What arrives waits in ``connections`` (``True`` connected, ``False`` lost), ``inbox`` and ``acks`` (numbers that
    ``send`` gave) until the main thread takes it; ``inbox.dropped`` counts what came faster than it was taken. What
    ``is_urgent`` says yes to waits in ``urgent`` instead, where no flood of other messages drives it out. Raises
    ``ConfigError`` for an address or a TLS file that cannot be used.
    """

    def __init__(
        self,
        address: BrokerAddress,
        *,
        client_id: str,
        subscriptions: Sequence[str],
        is_urgent: Callable[[Message], bool] = lambda _: False,
        inbox_capacity: int = 64,
    ) -> None:
        self.connections: DropOldest[bool] = DropOldest(64)
        self.inbox: DropOldest[Message] = DropOldest(inbox_capacity)
        self.urgent: DropOldest[Message] = DropOldest(_URGENT_CAPACITY)
        self._is_urgent = is_urgent
        self.acks: DropOldest[int] = DropOldest(4096)
        self.reconnects = 0
        self.unsent = 0
        self._address = address
        self._subscriptions = subscriptions
        self._history = ConnectionMonitor(str(address))
        self._packets = PacketLimit()
        self._subscribing: dict[int, Sequence[str]] = {}
        self._connected_before = False
        self._client = _client(address, client_id)
        self._listen()

    def open(self, will: Message | None = None) -> None:
        """Start connecting; returns at once, broker or not.

        The will is what the broker says when the node falls silent.
        """
        if will is not None:
            self._client.will_set(will.address, will.payload, will.qos, will.retain)
        # The loop retries the first connection as it does any other.
        self._client.connect_async(
            self._address.host, self._address.port, self._address.keepalive_s, properties=self._connect_properties()
        )  # fmt: skip
        self._client.loop_start()

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection."""
        return self._client.is_connected()

    @property
    def problem(self) -> str | None:
        """Why there is no connection, or none that lasts, as it was last logged."""
        return self._history.problem

    def send(self, message: Message) -> int | None:
        """Hand a message to the network thread. Its number, or ``None`` (counted in ``unsent``) if it cannot go.

        It cannot if the queue is full or the broker does not take so large a packet, which is said. While the broker is
        away only messages with QoS 1 are kept, and only in memory.
        """
        if not self._packets.allows(message):
            self._history.too_large(message.address, packet_bytes(message), self._packets.stated_bytes)
            self.unsent += 1
            return None
        info = self._client.publish(message.address, message.payload, message.qos, message.retain)
        kept = info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS or (
            info.rc == MQTTErrorCode.MQTT_ERR_NO_CONN and message.qos > 0
        )
        self.unsent += not kept
        if kept:
            self._packets.sent(info.mid, message)
        return info.mid if kept else None

    def listen(self, addresses: Sequence[str], *, wanted: bool) -> None:
        """Have the broker send what comes at these subscriptions no more, or again; the next connection has all."""
        if wanted:
            self._subscribe(addresses)
        else:
            self._client.unsubscribe(list(addresses))

    def close(self, final_message: Message | None = None) -> None:
        """Say goodbye if there is anybody to say it to, and end; takes some seconds at worst."""
        if self._client.is_connected():
            if final_message is not None:
                self._deliver(final_message)
            self._client.disconnect()
            self._await_disconnect()
        self.abort()

    def abort(self) -> None:
        """End without a word: the broker says the last will."""
        self._client.on_disconnect = None  # nobody tries again
        if (connection := self._client.socket()) is not None:
            # A broker that hangs keeps the socket open and paho's thread in its loop; this ends both.
            with suppress(OSError):
                cast(socket.socket, connection).shutdown(socket.SHUT_RDWR)
        self._client.disconnect()
        within(_LOOP_END_S, self._client.loop_stop, name="mqtt")  # its thread may wait for the broker's name
        self._stop_listening()

    def _deliver(self, message: Message) -> None:
        info = self._client.publish(message.address, message.payload, message.qos, message.retain)
        try:
            info.wait_for_publish(_DISCONNECT_S)
        except (ValueError, RuntimeError):  # the connection went away meanwhile: the last will speaks
            _log.debug("no goodbye to %s", self._address)

    def _await_disconnect(self) -> None:
        while self.connections.take(_DISCONNECT_S):
            pass

    def _subscribe(self, addresses: Sequence[str]) -> None:
        # No "no local" option: the last will of an older life counts as ours, and we must see it.
        _, number = self._client.subscribe([(address, 1) for address in addresses])
        self._subscribing[number or 0] = addresses

    def _connect_properties(self) -> Properties | None:
        if self._address.protocol != "5":
            return None
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.MaximumPacketSize = MAX_INBOUND_BYTES
        return properties

    def _listen(self) -> None:
        client = self._client
        client.on_socket_open = _no_delay
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe

    def _stop_listening(self) -> None:
        # Without these references to us paho's client goes, and closes its sockets, as soon as nobody has us any more.
        client = self._client
        client.on_socket_open = client.on_connect = client.on_connect_fail = client.on_disconnect = None
        client.on_message = client.on_publish = client.on_subscribe = None

    # What follows runs on paho's thread.

    def _on_connect(self, _c: Any, _u: Any, _flags: Any, code: ReasonCode, properties: Any) -> None:
        if code.is_failure:
            self._history.refused(code)
            return
        self._withdraw(self._packets.connected(getattr(properties, "MaximumPacketSize", None)))
        self.reconnects += self._connected_before
        self._connected_before = True
        self._history.accepted(time.monotonic_ns())
        if self._subscriptions:
            self._subscribe(self._subscriptions)
        self.connections.put(True)

    def _on_connect_fail(self, _c: Any, _u: Any) -> None:
        # paho calls this while it handles the exception, and gives no other way to learn the reason.
        self._history.unreachable(sys.exc_info()[1])
        self._packets.away()

    def _on_disconnect(self, _c: Any, _u: Any, _flags: Any, code: ReasonCode, _p: Any) -> None:
        self.connections.put(False)
        if code.is_failure:
            now_ns = time.monotonic_ns()
            young, too_large = self._history.is_young(now_ns), code.value == _TOO_LARGE
            self._withdraw(self._packets.ended(young=young, too_large=too_large))
            self._history.lost(code, now_ns, taken_over=code.value == _TAKEN_OVER)

    def _withdraw(self, too_large: Mapping[int, Sent]) -> None:
        # paho sends what was not acknowledged again at each connection, and offers no way to take it back.
        for number, sent in too_large.items():
            self._client._out_messages.pop(number, None)
            self._history.too_large(sent.address, sent.bytes, self._packets.stated_bytes)

    def _on_message(self, _c: Any, _u: Any, message: paho.MQTTMessage) -> None:
        try:
            address = message.topic
        except UnicodeDecodeError:  # a broker that lets anything through
            return
        arrived = Message(address, bytes(message.payload[:MAX_INBOUND_BYTES]), message.qos, message.retain)
        (self.urgent if self._is_urgent(arrived) else self.inbox).put(arrived)

    def _on_publish(self, _c: Any, _u: Any, number: int, code: ReasonCode, _p: Any) -> None:
        if code.is_failure:
            self._history.not_taken(code)
        self._history.held(time.monotonic_ns())
        self._packets.received(number)
        self.acks.put(number)

    def _on_subscribe(self, _c: Any, _u: Any, number: int, codes: list[ReasonCode], _p: Any) -> None:
        for address, code in zip(self._subscribing.pop(number, ()), codes, strict=False):
            if code.value >= _FAILED:
                _log.warning("the broker %s does not let us read %s (%s)", self._address, address, code)


def _client(address: BrokerAddress, client_id: str) -> paho.Client:
    require_usable_broker(address)
    version = MQTTProtocolVersion.MQTTv5 if address.protocol == "5" else MQTTProtocolVersion.MQTTv311
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=version)
    client.max_queued_messages_set(_MAX_QUEUED)
    client.reconnect_delay_set(_RECONNECT_MIN_S, longest_pause_s())
    if address.login is not None:
        client.username_pw_set(address.login.username, address.login.password)
    if address.tls is not None:
        client.tls_set_context(tls_context(address.tls))
    warn_of_risks(address)
    return client


def longest_pause_s() -> int:
    """The longest back-off between two attempts to connect. Each process has its own, so that many nodes do
    not come in step.
    """
    return random.randint(_RECONNECT_MAX_S // 2, _RECONNECT_MAX_S)


def _no_delay(_c: Any, _u: Any, connection: Any) -> None:
    # Messages are small and each is wanted now: without this the kernel holds one back until the last is acknowledged.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
