"""The broker, tried in stages: name → TCP → TLS → login → publish. Each needs the one before."""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_address

from device.errors import AffectdError
from device.monitoring.findings import Finding, look
from device.publish import topics as table
from device.publish.broker import BrokerAddress, require_usable_broker
from device.publish.contract import encode
from device.publish.message import Message
from device.publish.mqtt import MqttClient
from device.publish.payload import Payloads, SystemClock
from device.publish.topics import Topics
from device.setup.handshake import check_tls, speaks_tls

TIMEOUT_S = 5.0
_RETAINED_S = 0.5
"""A broker sends what it has retained right after it has taken the subscription."""


def broker_stages(address: BrokerAddress, topics: Topics) -> Iterator[Finding]:
    """A finding a stage, up to the first that is not ok. A publish that the broker refuses or drops is found, too."""
    with closing(_stages(address, topics)) as findings:
        for finding in findings:
            yield finding
            if not finding.ok:
                return


def _stages(address: BrokerAddress, topics: Topics) -> Generator[Finding]:
    yield look("broker name", lambda: _resolve(address))
    yield look("broker TCP", lambda: _reach(address))
    if address.tls is not None:
        yield look("broker TLS", lambda: check_tls(address, TIMEOUT_S))
    with _probe(address, topics) as link:
        yield look("broker login", lambda: _log_in(link, address))
        yield look("broker publish", lambda: _publish(link, address, topics))


def _resolve(address: BrokerAddress) -> str:
    require_usable_broker(address)
    try:
        found = _addresses(address)
    except OSError as error:
        local = "; a name in .local needs `apt install libnss-mdns`" if address.host.endswith(".local") else ""
        raise AffectdError(
            f"{address.host} is not known here ({error.strerror}); check mqtt.host and this machine's network, or use "
            f"the broker's address, such as 192.168.1.10{local}"
        ) from error
    return f"{address.host} is {', '.join(found)}"


def _addresses(address: BrokerAddress) -> list[str]:
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _reach(address: BrokerAddress) -> str:
    try:
        socket.create_connection((address.host, address.port), TIMEOUT_S).close()
    except ConnectionRefusedError as error:
        raise AffectdError(
            f"{address}: the machine is there, but nothing listens at port {address.port}; start the broker and check "
            "mqtt.port (1883 plain, 8883 with TLS); mosquitto 2 hears only its own machine until its configuration "
            "has a line `listener 1883`"
        ) from error
    except OSError as error:
        raise AffectdError(
            f"{address} cannot be reached ({error}); is the machine on, in this network, and its firewall open?"
        ) from error
    return f"port {address.port} is open"


@contextmanager
def _probe(address: BrokerAddress, topics: Topics) -> Iterator[MqttClient]:
    """A client of its own name that listens to the node's status, which each node must be able to read and to write."""
    status = topics.address(table.STATUS)
    link = MqttClient(address, client_id=f"affectd-check-{os.getpid()}", subscriptions=[status])
    log = logging.getLogger("device.publish.connection_monitor")
    was_disabled, log.disabled = log.disabled, True  # the finding says it
    try:
        yield link
    finally:
        link.close()
        log.disabled = was_disabled


def _log_in(link: MqttClient, address: BrokerAddress) -> str:
    link.open()
    if link.connections.take(TIMEOUT_S):
        return f"{address} lets {_who(address)} in{_risk(address)}"
    if address.tls is None and speaks_tls(address, TIMEOUT_S):
        raise AffectdError(f"{address} speaks TLS and we do not; set mqtt.tls = true (and mqtt.ca_file)")
    if link.problem and "refuses" in link.problem:
        raise AffectdError(f"{link.problem} ({_credentials(address)})")
    raise AffectdError(
        f"{address} ends the connection without a word ({link.problem or 'no answer'}); is it an MQTT broker? One that "
        'speaks no MQTT 5 needs mqtt.protocol = "3.1.1"; one that asks for certificates needs mqtt.cert_file'
    )


def _publish(link: MqttClient, address: BrokerAddress, topics: Topics) -> str:
    """Say the node's status once more, as it stands, and hear it: a broker may take a message and drop it."""
    message = Message(topics.address(table.STATUS), _standing_status(link, topics), qos=1)
    rule = f"its access list must let {_who(address)} read and write {topics.prefix}/{topics.node}/#"
    number = link.send(message)
    if not _acknowledged(link, number):
        raise AffectdError(f"{address} does not acknowledge a message on {message.address}; see its log: {rule}")
    if link.problem is not None:
        raise AffectdError(f"{link.problem.partition(';')[0]}, on {message.address}: {rule}")
    if not _is_echoed(link, message):
        raise AffectdError(
            f"{address} acknowledges a message on {message.address}, but does not pass it on to us: {rule}"
        )
    return f"a message on {message.address} went there and came back"


def _standing_status(link: MqttClient, topics: Topics) -> bytes:
    """What is retained, so that nobody who listens sees a change; without it nobody runs: ``stopped``, not retained."""
    retained = link.inbox.take(_RETAINED_S)
    if retained is not None:
        return retained.payload
    payloads = Payloads(node=topics.node, boot_id=uuid.uuid4().hex, model_set="", clock=SystemClock())
    return encode(payloads.status("stopped"))


def _acknowledged(link: MqttClient, number: int | None) -> bool:
    end = time.monotonic() + TIMEOUT_S
    while number is not None and (left_s := end - time.monotonic()) > 0:
        if link.acks.take(left_s) == number:
            return True
    return False


def _is_echoed(link: MqttClient, message: Message) -> bool:
    end = time.monotonic() + TIMEOUT_S
    while (left_s := end - time.monotonic()) > 0:
        heard = link.inbox.take(left_s)
        if heard is not None and heard.payload == message.payload:
            return True
    return False


def _risk(address: BrokerAddress) -> str:
    if address.login is None or address.tls or all(ip_address(found).is_loopback for found in _addresses(address)):
        return ""
    return "; the password travels in clear text: use TLS if you can"


def _who(address: BrokerAddress) -> str:
    return f"user {address.login.username!r}" if address.login else "anybody"


def _credentials(address: BrokerAddress) -> str:
    if address.login is None:
        return "mqtt.username is ''"
    if not address.login.password:
        return (
            f"mqtt.username is {address.login.username!r}, and this user knows no password; one in /etc/credstore only "
            "root may read, as by sudo affectd doctor"
        )
    return f"mqtt.username is {address.login.username!r}"
