"""The broker that deploy/mosquitto makes: a real mosquitto with its files, and the rights of those who log in."""

import socket
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from appliance import HAPPY_CLIP, running
from broker import HOST, Mosquitto, accepts, free_port
from fakes import eventually
from made_broker import NOT_AUTHORIZED, Guest, House, make_broker, strict_context
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from sockets import sends_at_once

from device.config.settings_file import load_settings, parse_settings
from device.publish import topics as table
from device.publish.node import subscriptions
from device.publish.topics import TABLE, Topics

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder, port = tmp_path_factory.mktemp("house"), free_port()
    done = make_broker(folder, "--port", str(port), "--node", "kitchen", "--node", "hall")
    assert done.returncode == 0, done.stderr
    log = tmp_path_factory.mktemp("mosquitto")
    with Mosquitto(log, "# allow_anonymous: no", f"include_dir {folder / 'broker'}"):
        eventually(lambda: accepts(port))
        yield House(folder, port)


def test_a_node_speaks_below_its_own_prefix_and_is_received_by_the_house_and_the_server(house: House) -> None:
    with house.login("house", "affectd/#") as home, house.login("server", "affectd/#") as server:
        with house.login("kitchen") as kitchen:
            assert kitchen.may_say("affectd/kitchen/state")
        eventually(lambda: "affectd/kitchen/state" in home.topics() and "affectd/kitchen/state" in server.topics())


def test_the_broker_sends_each_message_at_once(house: House) -> None:
    with house.login("house", "affectd/#"):
        assert set(sends_at_once(house.port)) == {True}


@pytest.mark.parametrize(
    "topic",
    [
        "affectd/hall/state",
        "affectd/hall/status",
        "affectd/hall/privacy/set",
        "affectd/hall/request/restart",
        "affectd/hall",
        "affectd",
        "affectd//state",
        "homeassistant/device/affectd/hall/config",
        "homeassistant/device/hall/config",
        "homeassistant/status",
        "homeassistant/sensor/kitchen/config",
        "elsewhere",
    ],
)
def test_kitchen_cannot_write_as_hall_nor_as_the_house(house: House, topic: str) -> None:
    with house.login("house", "#") as home, house.login("hall", "#") as hall, house.login("kitchen") as kitchen:
        assert not kitchen.may_say(topic, retain=True)
        assert kitchen.may_say("affectd/kitchen/state", "and now this")
        eventually(lambda: ("affectd/kitchen/state", b"and now this") in home.heard)
        assert topic not in home.topics() + hall.topics()


def test_kitchen_cannot_leave_a_last_will_in_halls_name(house: House) -> None:
    with house.login("house", "affectd/#") as home:
        for will in ("affectd/hall/status", "affectd/kitchen/status"):
            Guest(house, "kitchen", will=will).vanish()
        eventually(lambda: "affectd/kitchen/status" in home.topics())
        assert "affectd/hall/status" not in home.topics()


def test_kitchen_receives_nothing_of_hall_whatever_it_asks_for(house: House) -> None:
    with house.login("kitchen", "#", "affectd/hall/#", "$share/x/affectd/hall/#") as kitchen:
        with house.login("hall") as hall, house.login("house") as home:
            assert hall.may_say("affectd/hall/state")
            assert home.may_say("affectd/hall/request/self-test")
            assert home.may_say("affectd/kitchen/request/self-test")
        eventually(lambda: bool(kitchen.heard))
        assert set(kitchen.topics()) == {"affectd/kitchen/request/self-test"}


def test_the_house_asks_and_switches_but_cannot_pass_itself_off_as_a_node(house: House) -> None:
    with house.login("house") as home:
        assert home.may_say("affectd/hall/privacy/set", "ON")
        assert home.may_say("homeassistant/status", "online")
        assert not home.may_say("affectd/hall/state")


def test_the_server_receives_and_reports_nothing_to_a_node(house: House) -> None:
    with house.login("server") as server:
        assert not server.may_say("affectd/hall/privacy/set", "OFF")
        assert not server.may_say("affectd/hall/request/restart")


def test_without_a_password_or_with_anothers_nobody_gets_in(house: House) -> None:
    assert login_answer(house, "kitchen", house.password("hall")) == NOT_AUTHORIZED
    assert login_answer(house, "", "") == NOT_AUTHORIZED


def login_answer(house: House, user: str, password: str) -> int:
    answers: list[int] = []
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    if user:
        client.username_pw_set(user, password)
    client.tls_set_context(strict_context(house.folder / "authority" / "ca.crt"))
    client.on_connect = lambda _c, _u, _f, code, _p: answers.append(code.value)
    client.connect(HOST, house.port)
    client.loop_start()
    eventually(lambda: bool(answers))
    client.disconnect()
    client.loop_stop()
    return answers[0]


def test_who_does_not_trust_the_houses_authority_does_not_connect(house: House) -> None:
    stranger = ssl.create_default_context()
    with socket.create_connection((HOST, house.port)) as connection, pytest.raises(ssl.SSLCertVerificationError):
        stranger.wrap_socket(connection, server_hostname=HOST)


@pytest.mark.parametrize("topic", TABLE, ids=lambda topic: topic.pattern)
def test_the_access_list_lets_a_node_do_all_that_the_contract_asks_of_it(house: House, topic: table.Topic) -> None:
    address = Topics("kitchen").address(topic, "verb")
    inbound = topic.inbound or topic == table.STATUS
    speaker = "house" if topic.inbound else "kitchen"
    with house.login("kitchen", *(subscriptions(Topics("kitchen")) if inbound else ())) as kitchen:
        with house.login(speaker) as other:
            assert other.may_say(address)
        if inbound:
            eventually(lambda: address in kitchen.topics())


def test_the_appliance_lives_with_what_was_handed_to_it(house: House, tmp_path: Path) -> None:
    """Its whole life: comes online, is found by Home Assistant, tells, is asked, is closed, and says goodbye."""
    config = tmp_path / "affectd.toml"
    own = house.folder / "hand_out" / "kitchen"
    handed_out = (own / "affectd.toml").read_text().replace("/etc/affectd/ca.crt", str(own / "ca.crt"))
    handed_out = handed_out.replace("[node]", f'[node]\nstate_dir = "{tmp_path}"')
    password = f'password_file = "{own / "mqtt-password"}"'
    config.write_text(f'{handed_out}{password}\n[replay]\nmedia = ["{HAPPY_CLIP}"]\nloop = true\n')
    config.write_text(config.read_text().replace('host = "broker.lan"', 'host = "localhost"'))
    with house.login("house", "affectd/kitchen/#", "homeassistant/device/#") as home:
        with running(config):
            eventually(lambda: "affectd/kitchen/state" in home.topics(), 30)
            assert home.may_say("affectd/kitchen/request/self-test", '{"transaction": 1}')
            assert home.may_say("affectd/kitchen/privacy/set", "ON")
            eventually(lambda: ("affectd/kitchen/privacy/state", b"ON") in home.heard)
            eventually(lambda: "affectd/kitchen/response/self-test" in home.topics())
            eventually(lambda: "homeassistant/device/affectd/kitchen/config" in home.topics())
        eventually(lambda: any(b'"stopped"' in payload for _, payload in list(home.heard)))


def test_every_secret_is_its_owners_alone(house: House) -> None:
    others = [path for path in house.folder.rglob("*") if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert others == []


def test_what_is_handed_out_is_a_configuration_that_affectd_takes(house: House) -> None:
    settings = load_settings(house.folder / "hand_out" / "kitchen" / "affectd.toml")
    assert (settings.node.id, settings.mqtt.username) == ("kitchen", "kitchen")
    assert (settings.mqtt.tls, settings.mqtt.port) == (True, house.port)
    with_server = parse_settings((house.folder / "hand_out" / "server" / "affectd.toml").read_text(), "server")
    assert with_server.mqtt.username == "server"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_second_run_adds_a_node_and_keeps_every_secret(tmp_path: Path) -> None:
    make_broker(tmp_path, "--host", "broker.lan", "--port", "9883", "--node", "kitchen")
    before = contents(tmp_path)
    done = make_broker(tmp_path, "--node", "kitchen", "--node", "attic")
    assert done.returncode == 0, done.stderr
    after = contents(tmp_path)
    assert {name for name in after if after[name] != before.get(name)} == {
        "broker/passwords",
        *(f"hand_out/attic/{name}" for name in ("affectd.toml", "ca.crt", "mqtt-password")),
    }
    assert after["broker/passwords"].startswith(before["broker/passwords"])
    assert b"port = 9883" in after["hand_out/attic/affectd.toml"]
    assert "Node attic" in done.stdout
    assert "Node kitchen" not in done.stdout


@pytest.mark.parametrize("name", ["a", "x" * 64])
def test_what_was_made_can_be_reported_whatever_the_length_of_a_name(tmp_path: Path, name: str) -> None:
    make_broker(tmp_path)
    assert [name, "made"] in [line.split() for line in make_broker(tmp_path, "--node", name).stdout.splitlines()]
    assert [name, "kept"] in [line.split() for line in make_broker(tmp_path, "--node", name).stdout.splitlines()]


def test_a_run_with_nothing_new_changes_nothing(tmp_path: Path) -> None:
    make_broker(tmp_path, "--node", "kitchen")
    before = contents(tmp_path)
    assert make_broker(tmp_path, "--node", "kitchen").returncode == 0
    assert contents(tmp_path) == before


def test_a_new_name_of_the_broker_renews_its_certificate_alone(tmp_path: Path) -> None:
    make_broker(tmp_path, "--host", "old.lan", "--node", "kitchen")
    before = contents(tmp_path)
    done = make_broker(tmp_path, "--host", "192.168.1.10", "--host", "fd00::1")
    assert "renewed: 192.168.1.10, fd00::1, old.lan" in done.stdout
    after = contents(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {"broker/broker.pem", "authority/hosts"}


def test_an_access_list_that_its_owner_changed_is_kept_and_named(tmp_path: Path) -> None:
    make_broker(tmp_path)
    acl = tmp_path / "broker" / "acl"
    acl.write_text(acl.read_text() + "user zigbee2mqtt\ntopic readwrite zigbee2mqtt/#\n")
    done = make_broker(tmp_path)
    assert "kept; it is no longer" in done.stdout
    assert "zigbee2mqtt" in acl.read_text()


def test_a_lost_key_of_the_authority_is_not_made_anew_behind_the_nodes_backs(tmp_path: Path) -> None:
    make_broker(tmp_path)
    (tmp_path / "authority" / "ca.key").unlink()
    done = make_broker(tmp_path, "--node", "attic")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "ca.key is missing: bring it back" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--node", "a/b"), "cannot be part of a topic"),
        (("--node", "+"), "cannot be part of a topic"),
        (("--node", "#"), "cannot be part of a topic"),
        (("--node", ""), "cannot be part of a topic"),
        (("--node", "a:b"), "cannot be part of a topic"),
        (("--node", "x" * 65), "cannot be part of a topic"),
        (("--node", "house"), "no node"),
        (("--host", "a b"), "is no host name"),
        (("--host", "x,DNS:evil"), "is no host name"),
        (("--port", "0"), "is no port"),
        (("--port", "65536"), "is no port"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused_in_a_line(tmp_path: Path, arguments: tuple[str, str], said: str) -> None:
    done = make_broker(tmp_path / "house", *arguments)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert said in done.stderr
    assert not (tmp_path / "house").exists()


@pytest.mark.parametrize("tool", ["openssl", "mosquitto_passwd"])
def test_a_tool_that_is_missing_is_named_with_its_package(tmp_path: Path, tool: str) -> None:
    found = tmp_path / "bin"
    found.mkdir()
    for other in {"openssl", "mosquitto_passwd"} - {tool}:
        (found / other).symlink_to(f"/usr/bin/{other}")
    done = make_broker(tmp_path / "house", "--node", "kitchen", environment={"PATH": str(found)})
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"{tool} is not installed; run: apt install" in done.stderr


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = make_broker(tmp_path / "file" / "house")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "Traceback" not in done.stderr
