"""The broker's stages against real brokers: each fault is found at the stage it belongs to."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from broker import HOST, Listener, Mosquitto, eventually_while, free_port, make_certificates, make_password_file
from fakes import eventually
from processes import started

from device.monitoring.findings import Finding
from device.publish.broker import BrokerAddress, Login, Tls
from device.publish.topics import Topics
from device.setup.broker_stages import broker_stages

pytestmark = pytest.mark.slow

KITCHEN = Topics("kitchen")
STATUS = "affectd/kitchen/status"


def stages(address: BrokerAddress, topics: Topics = KITCHEN) -> list[Finding]:
    """Every finding; none but the last may be a fault."""
    findings = list(broker_stages(address, topics))
    assert all(finding.ok for finding in findings[:-1])
    return findings


def fault(address: BrokerAddress, topics: Topics = KITCHEN) -> tuple[str, str]:
    last = stages(address, topics)[-1]
    assert not last.ok
    return last.subject, last.note


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates, a user `kitchen` and one that may do nothing, and an access list that gives each its own prefix."""
    folder = tmp_path_factory.mktemp("house")
    make_certificates(folder)
    passwords = make_password_file(folder, "kitchen", "s3cret")
    subprocess.run(
        ["mosquitto_passwd", "-b", passwords, "guest", "guest"], check=True, capture_output=True, timeout=120
    )
    (folder / "acl").write_text("pattern readwrite affectd/%u/#\n")
    return folder


@pytest.fixture(scope="module")
def locked(house: Path) -> Iterator[Mosquitto]:
    locks = ["allow_anonymous false", f"password_file {house}/passwords", f"acl_file {house}/acl"]
    with Mosquitto(house, *tls_lines(house), *locks) as broker:
        yield broker


def tls_lines(folder: Path) -> list[str]:
    return [f"cafile {folder}/ca.crt", f"certfile {folder}/broker.crt", f"keyfile {folder}/broker.key"]


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as broker:
        yield broker


def address(broker: Mosquitto, house: Path, login: Login | None = None, protocol: str = "5") -> BrokerAddress:
    return BrokerAddress(HOST, broker.port, protocol, login=login, tls=Tls(ca_file=house / "ca.crt"))


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_sound_broker_passes_every_stage(locked: Mosquitto, house: Path, protocol: str) -> None:
    findings = stages(address(locked, house, Login("kitchen", "s3cret"), protocol))
    assert [f.subject for f in findings] == [
        "broker name", "broker TCP", "broker TLS", "broker login", "broker publish"
    ]  # fmt: skip
    assert findings[-1].ok


def test_a_name_that_nobody_knows() -> None:
    subject, note = fault(BrokerAddress("broker.invalid"))
    assert subject == "broker name"
    assert "check mqtt.host" in note


def test_a_host_that_is_no_name() -> None:
    assert fault(BrokerAddress("a..b"))[0] == "broker name"


def test_a_port_where_nobody_listens() -> None:
    subject, note = fault(BrokerAddress(HOST, free_port()))
    assert subject == "broker TCP"
    assert "start the broker" in note


def test_tls_where_none_is_spoken(plain: Mosquitto) -> None:
    subject, note = fault(BrokerAddress(HOST, plain.port, tls=Tls()))
    assert subject == "broker TLS"
    assert "it speaks no TLS there" in note


def test_an_authority_that_is_not_known(locked: Mosquitto) -> None:
    subject, note = fault(BrokerAddress(HOST, locked.port, tls=Tls()))
    assert subject == "broker TLS"
    assert "name it in mqtt.ca_file" in note


def test_a_certificate_for_another_name(locked: Mosquitto, house: Path) -> None:
    subject, note = fault(BrokerAddress("localhost", locked.port, tls=Tls(ca_file=house / "ca.crt")))
    assert subject == "broker TLS"
    assert "set mqtt.host to the name in the certificate" in note


def test_an_authority_s_file_that_is_not_there(locked: Mosquitto) -> None:
    subject, note = fault(BrokerAddress(HOST, locked.port, tls=Tls(ca_file=Path("/nonexistent/ca.crt"))))
    assert subject == "broker TLS"
    assert "/nonexistent/ca.crt" in note


def test_a_certificate_that_has_expired(house: Path, tmp_path: Path) -> None:
    for name in ("ca.crt", "ca.key", "broker.key", "broker.csr", "san.cnf"):
        (tmp_path / name).write_bytes((house / name).read_bytes())
    subprocess.run(
        [
            *("openssl", "x509", "-req", "-in", "broker.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-out", "broker.crt", "-extfile", "san.cnf", "-days", "0"),  # over as soon as it is signed
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=120,
    )
    with Mosquitto(tmp_path, *tls_lines(tmp_path)) as broker:
        subject, note = fault(address(broker, house))
    assert subject == "broker TLS"
    assert "has expired; renew it at the broker, or set this machine's clock" in note


def test_a_broker_that_wants_our_certificate(house: Path, tmp_path: Path) -> None:
    with Mosquitto(tmp_path, *tls_lines(house), "require_certificate true") as broker:
        subject, note = fault(address(broker, house))
    assert subject == "broker TLS"
    assert "set mqtt.cert_file and mqtt.key_file" in note


def test_a_tls_port_spoken_to_in_plain(locked: Mosquitto) -> None:
    subject, note = fault(BrokerAddress(HOST, locked.port, login=Login("kitchen", "s3cret")))
    assert subject == "broker login"
    assert "set mqtt.tls = true" in note


@pytest.mark.parametrize("login", [Login("kitchen", "wrong"), Login("nobody", "x"), None])
def test_a_password_that_is_wrong_or_missing(locked: Mosquitto, house: Path, login: Login | None) -> None:
    subject, note = fault(address(locked, house, login))
    assert subject == "broker login"
    assert "check user name, password" in note
    assert "wrong" not in note


def test_a_listener_that_is_no_broker() -> None:
    with socket.create_server((HOST, 0)) as silent:
        port = silent.getsockname()[1]
        with started([sys.executable, "-c", HANGS_UP, str(silent.fileno())], pass_fds=[silent.fileno()]):
            subject, note = fault(BrokerAddress(HOST, port))
    assert subject == "broker login"
    assert "is it an MQTT broker?" in note
    assert 'mqtt.protocol = "3.1.1"' in note


HANGS_UP = (
    "import socket, sys\nlistener = socket.socket(fileno=int(sys.argv[1]))\nwhile True: listener.accept()[0].close()"
)


def test_an_access_list_that_refuses(locked: Mosquitto, house: Path) -> None:
    subject, note = fault(address(locked, house, Login("guest", "guest")))
    assert subject == "broker publish"
    assert "does not take a message (Not authorized)" in note
    assert "must let user 'guest' read and write affectd/kitchen/#" in note


def test_a_broker_that_acknowledges_and_drops(locked: Mosquitto, house: Path) -> None:
    # With MQTT 3.1.1 there is no way to refuse a message: mosquitto says yes and forgets it.
    subject, note = fault(address(locked, house, Login("guest", "guest"), "3.1.1"))
    assert subject == "broker publish"
    assert "acknowledges a message" in note
    assert "does not pass it on" in note


def test_who_listens_sees_no_change_of_a_node_that_runs(plain: Mosquitto) -> None:
    online = json.dumps({"state": "online", "boot_id": "b"}).encode()
    with Listener(plain.port) as listener:
        listener.say(STATUS, online, retain=True)
        eventually(lambda: listener.raw(STATUS) == [online])
        assert stages(BrokerAddress(HOST, plain.port))[-1].ok
        eventually(lambda: listener.raw(STATUS) == [online, online])


def test_a_node_that_never_ran_is_reported_to_be_stopped_and_nothing_stays(plain: Mosquitto) -> None:
    with Listener(plain.port) as listener:
        assert stages(BrokerAddress(HOST, plain.port))[-1].ok
        eventually(lambda: bool(listener.json(STATUS)))
        assert [message["state"] for message in listener.json(STATUS)] == ["stopped"]
    with Listener(plain.port) as late:
        late.say("done", b"")
        eventually_while(lambda: None, lambda: "done" in late.topics())
        assert late.topics() == ["done"]
