import gc
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from broker import HOST, Listener, Mosquitto, eventually_while, free_port, make_certificates, make_password_file
from fakes import eventually

from device.errors import ConfigError
from device.publish.broker import BrokerAddress, Login, Tls
from device.publish.message import Message
from device.publish.mqtt import MqttClient, longest_pause_s

pytestmark = pytest.mark.slow


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as broker:
        yield broker


def connected(address: BrokerAddress) -> MqttClient:
    link = MqttClient(address, client_id="affectd-test", subscriptions=["test/in"])
    link.open(will=Message("test/will", b"gone", 1, True))
    eventually(lambda: link.connections.take(0) is True)
    return link


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_speaks_both_versions_of_the_protocol(mosquitto: Mosquitto, protocol: str) -> None:
    link = connected(BrokerAddress(HOST, mosquitto.port, protocol))
    with Listener(mosquitto.port, "test/#") as house:
        number = link.send(Message("test/out", b"hello", 1))
        eventually(lambda: house.raw("test/out") == [b"hello"])
        eventually(lambda: link.acks.take(0) == number)
        house.say("test/in", b"hi")
        assert link.inbox.take(5) == Message("test/in", b"hi", 1, False)
        link.close()
        assert house.raw("test/will") == []


def test_the_last_will_speaks_for_a_process_that_died(mosquitto: Mosquitto) -> None:
    link = connected(BrokerAddress(HOST, mosquitto.port))
    with Listener(mosquitto.port, "test/#") as house:
        other = connected(BrokerAddress(HOST, mosquitto.port))  # takes the id over: the broker drops the first
        eventually(lambda: house.raw("test/will") == [b"gone"])
        other.close()
    link.close()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_who_breaks_off_leaves_the_word_to_the_last_will(
    mosquitto: Mosquitto, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    link = connected(BrokerAddress(HOST, mosquitto.port, protocol))
    with Listener(mosquitto.port, "test/#") as house:
        link.abort()
        eventually(lambda: house.raw("test/will") == [b"gone"])
    assert "trying again" not in caplog.text


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_two_nodes_with_one_name_report_it_once_and_hold_their_peace(
    mosquitto: Mosquitto, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    address = BrokerAddress(HOST, mosquitto.port, protocol)
    twins = [MqttClient(address, client_id="affectd-kitchen", subscriptions=[]) for _ in range(2)]
    for twin in twins:
        twin.open()
    eventually(lambda: caplog.text.count("probably another client uses this node's id") == 2, 20)
    said = len(caplog.records)
    eventually(lambda: all(twin.reconnects >= 4 for twin in twins), 20)
    for twin in twins:
        twin.close()
    assert len(caplog.records) == said


def test_no_pause_between_attempts_is_longer_than_half_a_minute_and_each_node_has_its_own() -> None:
    pauses_s = {longest_pause_s() for _ in range(200)}
    assert 15 <= min(pauses_s) < max(pauses_s) <= 30


def test_what_comes_faster_than_it_is_taken_is_counted(mosquitto: Mosquitto) -> None:
    link = MqttClient(
        BrokerAddress(HOST, mosquitto.port), client_id="slow", subscriptions=["test/in"], inbox_capacity=2
    )
    link.open()
    eventually(lambda: link.connections.take(0) is True)
    with Listener(mosquitto.port, "test/#") as house:
        for n in range(5):
            house.say("test/in", str(n))
        eventually(lambda: link.inbox.dropped == 3)
    link.close()


def test_a_broker_that_is_absent_is_reported_once_and_found_when_it_comes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mosquitto = Mosquitto(tmp_path)
    link = MqttClient(BrokerAddress(HOST, mosquitto.port), client_id="early", subscriptions=[])
    link.open()
    eventually(lambda: "cannot be reached" in caplog.text)
    assert "Connection refused" in caplog.text
    with mosquitto:
        eventually(lambda: link.connections.take(0) is True, 20)
        link.close()
    assert caplog.text.count("cannot be reached") == 1


def test_every_acknowledged_message_survives_a_broker_that_is_killed(mosquitto: Mosquitto) -> None:
    link = connected(BrokerAddress(HOST, mosquitto.port))
    numbers = {link.send(Message("test/out", str(n).encode(), 1)) for n in range(20)}
    mosquitto.kill()
    eventually(lambda: not link.connected)
    numbers |= {link.send(Message("test/out", str(n).encode(), 1)) for n in range(20, 40)}
    mosquitto.start()
    acknowledged: set[int | None] = set()
    eventually_while(lambda: acknowledged.add(link.acks.take(0)), lambda: acknowledged >= numbers, 20)
    assert link.reconnects == 1
    link.close()


def test_a_full_queue_states_no_instead_of_growing() -> None:
    link = MqttClient(BrokerAddress(HOST, free_port()), client_id="lonely", subscriptions=[])
    numbers = [link.send(Message("test/out", b"x", 1)) for _ in range(300)]
    assert numbers.count(None) == 100
    assert link.unsent == 100
    assert link.send(Message("test/out", b"x", 0)) is None


def test_a_broker_that_hangs_does_not_keep_us_from_stopping(mosquitto: Mosquitto) -> None:
    link = connected(BrokerAddress(HOST, mosquitto.port))
    mosquitto.freeze()
    link.close(final_message=Message("test/out", b"bye", 1))
    assert not link.connected


def test_a_password_opens_the_door_and_is_never_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    passwords = make_password_file(tmp_path, "node", "s3cret-word")
    with Mosquitto(tmp_path, "allow_anonymous false", f"password_file {passwords}") as broker:
        address = BrokerAddress(HOST, broker.port, login=Login("node", "s3cret-word"))
        connected(address).close()
    assert "s3cret-word" not in repr(address) + caplog.text


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_wrong_password_is_reported_once_in_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, protocol: str
) -> None:
    passwords = make_password_file(tmp_path, "node", "right")
    with Mosquitto(tmp_path, "allow_anonymous false", f"password_file {passwords}") as broker:
        address = BrokerAddress(HOST, broker.port, protocol, login=Login("node", "wrong"))
        link = MqttClient(address, client_id="guest", subscriptions=[])
        link.open()
        attempts = [link.connections.take(10) for _ in range(2)]
        link.close()
    assert attempts == [False, False]
    assert [record.message.partition(": ")[2] for record in caplog.records] == [
        "Not authorized; check user name, password and access list"
    ]


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
class TestTls:
    @pytest.fixture(autouse=True)
    def collect(self) -> Iterator[None]:
        yield
        gc.collect()

    @pytest.fixture
    def broker(self, tmp_path: Path) -> Iterator[Mosquitto]:
        make_certificates(tmp_path)
        files = {"cafile": "ca.crt", "certfile": "broker.crt", "keyfile": "broker.key"}
        lines = [f"{option} {tmp_path / name}" for option, name in files.items()]
        with Mosquitto(tmp_path, *lines) as broker:
            yield broker

    def test_the_houses_own_authority_is_trusted_when_named(self, broker: Mosquitto, tmp_path: Path) -> None:
        connected(BrokerAddress(HOST, broker.port, tls=Tls(tmp_path / "ca.crt"))).close()

    def test_a_broker_of_an_unknown_authority_is_refused_with_the_reason(
        self, broker: Mosquitto, caplog: pytest.LogCaptureFixture
    ) -> None:
        link = MqttClient(BrokerAddress(HOST, broker.port, tls=Tls()), client_id="careful", subscriptions=[])
        link.open()
        eventually(lambda: "certificate verify failed" in caplog.text)
        link.close()

    def test_a_certificate_for_another_name_is_refused(
        self, broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        link = MqttClient(
            BrokerAddress("localhost", broker.port, tls=Tls(tmp_path / "ca.crt")), client_id="x", subscriptions=[]
        )
        link.open()
        eventually(lambda: "certificate verify failed" in caplog.text)
        link.close()


def test_a_password_in_clear_text_over_the_network_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    MqttClient(BrokerAddress("192.0.2.1", login=Login("node", "word")), client_id="x", subscriptions=[])
    assert "clear text" in caplog.text
    assert "word;" not in caplog.text


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (BrokerAddress(""), "mqtt.host"),
        (BrokerAddress("a" * 70), "mqtt.host"),
        (BrokerAddress("bro\nker"), "mqtt.host"),
        (BrokerAddress(port=0), "mqtt.port"),
        (BrokerAddress(port=99_999), "mqtt.port"),
        (BrokerAddress(protocol="4"), "mqtt.protocol"),
        (BrokerAddress(tls=Tls(Path("/nowhere/ca.crt"))), "/nowhere/ca.crt"),
        (BrokerAddress(tls=Tls(Path(__file__))), "ca_file"),
        (BrokerAddress(tls=Tls(cert_file=Path("/nowhere/me.crt"))), "/nowhere/me.crt"),
    ],
)
def test_an_unusable_address_is_an_error_by_name(address: BrokerAddress, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        MqttClient(address, client_id="x", subscriptions=[])


def test_an_access_list_that_forbids_is_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "acl").write_text("topic write test/allowed\n")
    with Mosquitto(tmp_path, f"acl_file {tmp_path / 'acl'}") as broker:
        link = connected(BrokerAddress(HOST, broker.port))
        link.send(Message("test/forbidden", json.dumps({}).encode(), 1))
        eventually(lambda: "does not take a message" in caplog.text)
        link.close()
    assert "check its access list" in caplog.text
