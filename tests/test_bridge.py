"""A house's broker bridged to one for many houses, by deploy/mosquitto/bridge.conf: two real mosquittos."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from appliance import ROOT
from broker import HOST, Mosquitto, accepts, free_port
from fakes import eventually
from made_broker import NO_SUBSCRIBERS, House, make_broker

pytestmark = pytest.mark.slow

BRIDGE = (ROOT / "deploy" / "mosquitto" / "bridge.conf").read_text()
NUMBER = b"wx"
WELCOME = bytes([0x20, 3, 0, 0, 0])  # MQTT 5's CONNACK


def packet(topic: bytes, payload: bytes) -> bytes:
    """MQTT 5's PUBLISH, to be acknowledged by its number."""
    body = bytes([0, len(topic)]) + topic + NUMBER + bytes(1) + payload
    return bytes([0x32, len(body)]) + body


@dataclass(frozen=True, slots=True)
class Made:
    """A made broker and the process that runs it."""

    house: House
    mosquitto: Mosquitto


@contextmanager
def broker(folder: Path, node: str) -> Iterator[Made]:
    """What make_broker.py makes for one node, running."""
    log, port = folder / "log", free_port()
    log.mkdir(parents=True)
    done = make_broker(folder / "made", "--port", str(port), "--node", node)
    assert done.returncode == 0, done.stderr
    with Mosquitto(log, "# allow_anonymous: no", f"include_dir {folder / 'made' / 'broker'}") as mosquitto:
        eventually(lambda: accepts(port))
        yield Made(House(folder / "made", port), mosquitto)


@contextmanager
def bridge(folder: Path, site: House, centre: House, text: str = BRIDGE, user: str = "server") -> Iterator[None]:
    """The example, filled in as it says, running."""
    filled = {
        "listener 18830": f"listener {free_port()}",
        "/var/lib/affectd-bridge/": f"{folder}/",
        "localhost:8883": f"{HOST}:{site.port}",
        "/etc/affectd-bridge/house.crt": str(site.folder / "hand_out" / user / "ca.crt"),
        "HOUSE_PASSWORD": site.password(user),
        "centre.example:8883\n": f"{HOST}:{centre.port}\n",
        "/etc/affectd-bridge/centre.crt": str(centre.folder / "hand_out" / "north" / "ca.crt"),
        "CENTRE_PASSWORD": centre.password("north"),
        "bridge_protocol_version": "restart_timeout 1\nbridge_protocol_version",
    }
    for old, new in filled.items():
        assert old in text
        text = text.replace(old, new)
    with Mosquitto(folder, *text.splitlines()):
        yield


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with broker(tmp_path_factory.mktemp("centre"), "north") as made:
        yield made.house


@pytest.fixture(scope="module")
def site(centre: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose bridge is up."""
    with (
        broker(tmp_path_factory.mktemp("site"), "kitchen") as made,
        bridge(tmp_path_factory.mktemp("bridge"), made.house, centre),
    ):
        until_bridged(centre)
        yield made.house


def until_bridged(centre: House) -> None:
    with centre.login("house", "affectd/north/bridge") as home:
        eventually(lambda: ("affectd/north/bridge", b"1") in home.heard, 30)


@pytest.mark.parametrize(
    "topic",
    ["status", "status/camera", "info", "state", "event", "health", "privacy/state", "response/self-test"],
)
def test_what_a_node_states_arrives_at_the_centre_under_the_name_of_its_house(
    centre: House, site: House, topic: str
) -> None:
    with centre.login("house", "affectd/north/#") as home, site.login("kitchen") as kitchen:
        assert kitchen.may_say(f"affectd/kitchen/{topic}", f"this is {topic}")
        eventually(lambda: (f"affectd/north/kitchen/{topic}", f"this is {topic}".encode()) in home.heard)


def test_what_is_retained_and_a_last_will_stay_at_the_centre_for_those_who_come_later(
    centre: House, site: House
) -> None:
    with site.login("kitchen", will="affectd/kitchen/status") as kitchen:
        assert kitchen.may_say("affectd/kitchen/info", "versions", retain=True)
        with centre.login("house", "affectd/north/kitchen/status") as home:
            kitchen.vanish()
            eventually(lambda: ("affectd/north/kitchen/status", b"gone") in home.heard)
    with centre.login("house", "affectd/north/#") as late:
        eventually(lambda: ("affectd/north/kitchen/info", b"versions") in late.heard)


@pytest.mark.parametrize("topic", ["privacy/set", "request/restart"])
def test_what_a_node_is_reported_stays_in_the_house(centre: House, site: House, topic: str) -> None:
    with centre.login("house", "affectd/#") as home, site.login("house") as inside:
        assert inside.may_say(f"affectd/kitchen/{topic}")
        with site.login("kitchen") as kitchen:
            assert kitchen.may_say("affectd/kitchen/state", topic)
        eventually(lambda: ("affectd/north/kitchen/state", topic.encode()) in home.heard)
        assert f"affectd/north/kitchen/{topic}" not in home.topics()


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("topic", ["privacy/set", "request/restart", "state"])
def test_unless_it_is_allowed_the_bridge_listens_to_nothing_at_the_centre(centre: House, topic: str) -> None:
    with centre.login("house") as home:
        assert not home.may_say(f"affectd/north/kitchen/{topic}")
    with centre.login("north") as north:
        assert north.may_say(f"affectd/north/kitchen/{topic}")
        assert list(north.receipts.values()) == [NO_SUBSCRIBERS]


@pytest.fixture
def ways(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Folders for a centre, a house and the bridge."""
    (tmp_path / "bridge").mkdir()
    return tmp_path / "centre", tmp_path / "site", tmp_path / "bridge"


def test_an_outage_costs_no_event_and_the_centre_knows_of_it(ways: tuple[Path, Path, Path]) -> None:
    began = [f"joy {number}" for number in range(50)]
    with broker(ways[0], "north") as centre, broker(ways[1], "kitchen") as site:
        with bridge(ways[2], site.house, centre.house):
            until_bridged(centre.house)
            centre.mosquitto.kill()
            with site.house.login("kitchen") as kitchen:
                assert all(kitchen.may_say("affectd/kitchen/event", each) for each in began)
            centre.mosquitto.start()
            eventually(lambda: accepts(centre.house.port))
            with centre.house.login("house", "affectd/north/#") as home:
                eventually(lambda: len(home.heard) > len(began), 30)
                heard = [said.decode() for topic, said in home.heard if topic == "affectd/north/kitchen/event"]
                assert heard == began
        with centre.house.login("house", "affectd/north/bridge") as home:
            eventually(lambda: ("affectd/north/bridge", b"0") in home.heard)


def test_where_it_is_allowed_a_command_comes_once_and_its_answer_goes_back(ways: tuple[Path, Path, Path]) -> None:
    lines = [line[4:] for line in BRIDGE.splitlines() if line.startswith("#   topic ")]
    inwards, outwards = "\n".join(lines[:2]), "\n".join(lines[2:])
    text = BRIDGE.replace("connection centre", f"{outwards}\nconnection centre") + inwards
    text = text.replace("remote_username server", "remote_username house")
    with (
        broker(ways[0], "north") as centre,
        broker(ways[1], "kitchen") as site,
        bridge(ways[2], site.house, centre.house, text, user="house"),
        centre.house.login("north", "affectd/north/#") as owner,
        site.house.login("kitchen", "affectd/kitchen/#") as kitchen,
    ):
        until_bridged(centre.house)
        assert owner.may_say("affectd/north/kitchen/request/self-test", '{"transaction": 1}')
        eventually(lambda: "affectd/kitchen/request/self-test" in kitchen.topics())
        assert kitchen.may_say("affectd/kitchen/response/self-test", "well")
        eventually(lambda: "affectd/north/kitchen/response/self-test" in owner.topics())
        assert kitchen.topics().count("affectd/kitchen/request/self-test") == 1
        assert owner.topics().count("affectd/north/kitchen/request/self-test") == 1


def test_a_centre_that_was_broken_into_can_report_nothing_to_a_node_even_unasked(ways: tuple[Path, Path, Path]) -> None:
    """mosquitto asks no access list about what the other end of a bridge sends: the house's own must stop it."""
    text = BRIDGE.replace("bridge_cafile /etc/affectd-bridge/centre.crt", "# /etc/affectd-bridge/centre.crt")
    with broker(ways[0], "north") as real, broker(ways[1], "kitchen") as site, socket.create_server((HOST, 0)) as fake:
        house = House(real.house.folder, fake.getsockname()[1])
        with (
            bridge(ways[2], site.house, house, text),
            site.house.login("kitchen", "#") as kitchen,
            site.house.login("house") as inside,
            until_logged_in(fake) as centre,
        ):
            for topic in (b"affectd/kitchen/privacy/set", b"affectd/kitchen/state"):
                centre.sendall(packet(topic, b"OFF"))
                eventually(lambda: NUMBER in centre.recv(4096))
            assert inside.may_say("affectd/kitchen/request/self-test")
            eventually(lambda: bool(kitchen.heard))
            assert kitchen.topics() == ["affectd/kitchen/request/self-test"]


def until_logged_in(server: socket.socket) -> socket.socket:
    """A client that a broker of ours has welcomed."""
    server.settimeout(30)
    client, _ = server.accept()
    client.settimeout(30)
    client.recv(4096)
    client.sendall(WELCOME)
    return client
