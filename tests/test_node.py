import json
import logging
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from broker import Listener, Mosquitto, eventually_while
from estimates import estimate
from fakes import eventually
from made_node import TOPICS, node

from device.errors import AffectdError
from device.publish import topics as table
from device.publish.identities import Identities, Identity
from device.publish.node import NodeSink
from device.publish.outbox import Outbox
from device.publish.topics import Topics

pytestmark = pytest.mark.slow

NODE = "affectd/kitchen"


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as broker:
        yield broker


@pytest.fixture
def house(mosquitto: Mosquitto) -> Iterator[Listener]:
    with Listener(mosquitto.port) as listener:
        yield listener


def is_online(house: Listener) -> bool:
    return [s["state"] for s in house.json(f"{NODE}/status")][-1:] == ["online"]


def tell(sink: NodeSink, start: int, end: int, label: str) -> None:
    """Estimates of one stretch of media seconds, ten a second."""
    for tenth in range(start * 10, end * 10):
        sink.publish(estimate(tenth / 10, label))


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_subscriber_receives_every_topic_of_the_contract(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path, protocol: str
) -> None:
    with node(mosquitto, tmp_path, protocol=protocol) as sink:
        eventually_while(sink.poll, lambda: is_online(house))
        tell(sink, 0, 3, "happy")
        house.say(f"{NODE}/request/self-test", '{"transaction": "t1", "what": "camera"}')
        house.say(f"{NODE}/privacy/set", "ON")
        eventually_while(sink.poll, lambda: b"ON" in house.raw(f"{NODE}/privacy/state"))
        eventually_while(sink.poll, lambda: bool(house.raw(f"{NODE}/response/self-test")))
        outbound = {TOPICS.address(t, "self-test") for t in table.TABLE if not t.inbound}
        eventually_while(sink.poll, lambda: outbound <= set(house.topics()))
    eventually(lambda: house.json(f"{NODE}/status")[-1]["state"] == "stopped")
    assert house.json(f"{NODE}/response/self-test") == [
        {"transaction": "t1", "status": "ok", "data": {"passed": True, "asked": "camera"}, "error": None}
    ]
    assert [(e["kind"], e["backfilled"]) for e in house.json(f"{NODE}/event")] == [("start", False), ("end", False)]


def test_online_is_reported_last(mosquitto: Mosquitto, house: Listener, tmp_path: Path) -> None:
    with node(mosquitto, tmp_path) as sink:
        eventually_while(sink.poll, lambda: is_online(house))
        assert house.topics()[-1] == f"{NODE}/status"
        assert len(house.topics()) == 9


def test_who_comes_late_finds_what_is_retained_and_no_old_emotion(mosquitto: Mosquitto, tmp_path: Path) -> None:
    with Listener(mosquitto.port) as early, node(mosquitto, tmp_path) as sink:
        eventually_while(sink.poll, lambda: is_online(early))
        tell(sink, 0, 3, "happy")
        eventually_while(sink.poll, lambda: bool(early.raw(f"{NODE}/event")))
        with Listener(mosquitto.port) as late:
            retained = {TOPICS.address(t) for t in table.TABLE if t.retain}
            eventually(lambda: set(late.topics()) >= retained)
            assert set(late.topics()) == retained


def test_the_state_follows_the_cadence(mosquitto: Mosquitto, house: Listener, tmp_path: Path) -> None:
    with node(mosquitto, tmp_path, state_qos=1) as sink:
        tell(sink, 0, 1, "fear")  # nobody hears it but for the last, which is the newest then
        eventually_while(sink.poll, lambda: is_online(house))
        tell(sink, 1, 26, "happy")
        eventually(lambda: len(house.raw(f"{NODE}/state")) == 4)
    states = [(s["seq"], s["mono_ns"] / 1e9, s["label"]) for s in house.json(f"{NODE}/state")]
    assert states == [(1, 0.9, "fear"), (2, 1, "happy"), (3, 11, "happy"), (4, 21, "happy")]


def test_a_broker_that_comes_back_receives_the_state_of_now_before_online(
    mosquitto: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with node(mosquitto, tmp_path) as sink:
        with Listener(mosquitto.port) as before:
            eventually_while(sink.poll, lambda: is_online(before))
            tell(sink, 0, 3, "happy")
        mosquitto.kill()
        eventually_while(sink.poll, lambda: "trying again" in caplog.text)
        sink.publish(estimate(3, "unknown", reason="camera lost"))
        mosquitto.start()
        with Listener(mosquitto.port) as after:
            eventually_while(sink.poll, lambda: is_online(after), 20)
            topics = after.topics()
            assert f"{NODE}/state" in topics[: topics.index(f"{NODE}/status")]
            assert [(s["label"], s["reason"]) for s in after.json(f"{NODE}/state")] == [("unknown", "camera lost")]


def test_home_assistant_that_comes_back_receives_the_state_of_now(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path
) -> None:
    with node(mosquitto, tmp_path) as sink:
        eventually_while(sink.poll, lambda: is_online(house))
        tell(sink, 0, 3, "happy")
        eventually(lambda: len(house.raw(f"{NODE}/state")) == 1)
        house.say("homeassistant/status", "online")
        entities = f"{NODE}/homeassistant"
        eventually_while(sink.poll, lambda: len(house.raw(entities)) == 3)  # at once, and after discovery
        assert house.topics()[-4:] == [f"{NODE}/state", entities, TOPICS.address(table.DISCOVERY), entities]
    assert [s["mono_ns"] for s in house.json(f"{NODE}/state")] == [0, 2_900_000_000]


def test_whoever_is_reported_online_again_receives_the_state_of_now_first(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path
) -> None:
    with node(mosquitto, tmp_path) as sink:
        eventually_while(sink.poll, lambda: is_online(house))
        tell(sink, 0, 3, "happy")
        eventually(lambda: house.json(f"{NODE}/event") != [])  # it comes from the store, in its own time
        house.say(f"{NODE}/status", b'{"state":"offline","boot_id":"boot-0"}', retain=True)
        eventually(lambda: not is_online(house))
        heard_before = len(house.topics())
        eventually_while(sink.poll, lambda: is_online(house))
        assert house.topics()[heard_before:] == [f"{NODE}/state", f"{NODE}/homeassistant", f"{NODE}/status"]


def test_a_status_that_somebody_else_wrote_is_corrected(mosquitto: Mosquitto, house: Listener, tmp_path: Path) -> None:
    with node(mosquitto, tmp_path) as sink:
        eventually_while(sink.poll, lambda: is_online(house))
        for lie in (b'{"state":"offline","boot_id":"boot-0"}', b"", b"[" * 5000, b"7"):
            house.say(f"{NODE}/status", lie, retain=True)
            eventually(lambda lie=lie: house.raw(f"{NODE}/status")[-1] == lie)  # type: ignore[misc]
            eventually_while(sink.poll, lambda: (house.raw(f"{NODE}/status")[-1]).startswith(b'{"state":"online"'))


def test_the_final_message_of_an_earlier_life_is_no_challenge(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for boot_id in ("boot-1", "boot-2"):
        with node(mosquitto, tmp_path, boot_id=boot_id) as sink:
            eventually_while(sink.poll, lambda: is_online(house))
            house.say(f"{NODE}/request/self-test", b"")
            eventually_while(sink.poll, lambda: f"{NODE}/response/self-test" in house.topics())
            house.heard.clear()
    assert "saying it again" not in caplog.text


def test_the_last_will_of_an_older_life_does_not_stay(mosquitto: Mosquitto, house: Listener, tmp_path: Path) -> None:
    with node(mosquitto, tmp_path, boot_id="boot-1") as first:
        eventually_while(first.poll, lambda: is_online(house))
        (tmp_path / "second").mkdir()
        with node(mosquitto, tmp_path / "second", boot_id="boot-2") as second:
            eventually_while(second.poll, lambda: any(s["state"] == "offline" for s in house.json(f"{NODE}/status")))
            eventually_while(second.poll, lambda: is_online(house))
            assert house.json(f"{NODE}/status")[-1]["boot_id"] == "boot-2"


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (None, "stopped"),
        (SystemExit(0), "stopped"),
        (KeyboardInterrupt(), "stopped"),
        (AffectdError("the camera is gone"), "offline"),
        (ZeroDivisionError(), "offline"),
    ],
)
def test_only_a_node_that_meant_to_stop_publishes_stopped(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path, protocol: str, reason: BaseException | None, said: str
) -> None:
    with suppress(BaseException), node(mosquitto, tmp_path, protocol=protocol) as sink:
        eventually_while(sink.poll, lambda: is_online(house))
        if reason is not None:
            raise reason
    eventually(lambda: not is_online(house))
    assert [s["state"] for s in house.json(f"{NODE}/status")] == ["online", said]


def test_a_twin_does_not_fill_the_log(mosquitto: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()

    def poll() -> None:
        first.poll()
        second.poll()

    with (
        node(mosquitto, folders[0], boot_id="boot-1") as first,
        node(mosquitto, folders[1], boot_id="boot-2") as second,
    ):
        eventually_while(poll, lambda: caplog.text.count("probably another client uses") == 2, 20)
        said = len(caplog.records)
        with Listener(mosquitto.port, f"{NODE}/status") as house:
            eventually_while(poll, lambda: len(house.raw(f"{NODE}/status")) > 8, 20)
        assert len(caplog.records) == said


def test_events_of_an_outage_come_later_with_their_own_time(
    mosquitto: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with node(mosquitto, tmp_path) as sink:
        with Listener(mosquitto.port) as before:
            eventually_while(sink.poll, lambda: is_online(before))
        mosquitto.kill()
        eventually_while(sink.poll, lambda: "trying again" in caplog.text)
        tell(sink, 0, 3, "sad")
        tell(sink, 3, 10, "neutral")
        mosquitto.start()
        with Listener(mosquitto.port) as after:
            eventually_while(sink.poll, lambda: len(after.raw(f"{NODE}/event")) == 2, 20)
            tell(sink, 10, 13, "happy")
            eventually_while(sink.poll, lambda: len(after.raw(f"{NODE}/event")) == 3)
            told = [(e["kind"], e["label"], e["ts"][14:19], e["backfilled"]) for e in after.json(f"{NODE}/event")]
    assert told == [
        ("start", "sad", "00:01", True),
        ("end", "sad", "00:02", True),
        ("start", "happy", "00:11", False),
    ]


def test_events_of_a_life_without_a_broker_come_in_the_next_life(tmp_path: Path) -> None:
    mosquitto = Mosquitto(tmp_path)
    with node(mosquitto, tmp_path, boot_id="boot-1") as sink:
        for n in range(40):
            tell(sink, n * 20, n * 20 + 2, "sad")
            tell(sink, n * 20 + 2, n * 20 + 20, "neutral")
    with mosquitto, Listener(mosquitto.port) as house, node(mosquitto, tmp_path, boot_id="boot-2") as sink:
        eventually_while(sink.poll, lambda: len(house.raw(f"{NODE}/event")) == 80)
    events = house.json(f"{NODE}/event")
    assert [e["kind"] for e in events] == ["start", "end"] * 40
    assert {e["boot_id"] for e in events} == {"boot-1"}
    with Outbox(tmp_path / "outbox.sqlite") as outbox:
        assert outbox.depth == 0


def test_an_episode_that_a_killed_node_left_open_is_ended_by_the_next_start(tmp_path: Path) -> None:
    mosquitto = Mosquitto(tmp_path)
    dead = multiprocessing.get_context("fork").Process(target=live_and_die, args=(mosquitto, tmp_path))
    dead.start()
    dead.join(20)
    assert dead.exitcode == -signal.SIGKILL
    with mosquitto, Listener(mosquitto.port) as house:
        for boot_id in ("boot-2", "boot-3"):  # it is ended once
            with node(mosquitto, tmp_path, boot_id=boot_id) as sink:
                eventually_while(sink.poll, lambda: is_online(house))
                eventually_while(sink.poll, lambda: len(house.raw(f"{NODE}/event")) == 3)
            house.say(f"{NODE}/status", b"", retain=True)
        told = [(e["kind"], e["reason"], e["ts"][14:19], e["boot_id"]) for e in house.json(f"{NODE}/event")]
    assert told == [
        ("start", None, "00:01", "boot-1"),
        ("update", None, "00:31", "boot-1"),
        ("end", "restart", "00:51", "boot-1"),  # no more than five seconds before it was killed, at 00:55
    ]
    assert len({e["id"] for e in house.json(f"{NODE}/event")}) == 1


def live_and_die(mosquitto: Mosquitto, folder: Path) -> None:
    """A process that is killed in the midst of an episode."""
    with node(mosquitto, folder) as sink:
        tell(sink, 0, 55, "sad")
        os.kill(os.getpid(), signal.SIGKILL)


def test_privacy_reaches_the_appliance_and_is_confirmed(mosquitto: Mosquitto, house: Listener, tmp_path: Path) -> None:
    requested: list[bool] = []
    with node(mosquitto, tmp_path, set_privacy=requested.append) as sink:
        eventually_while(sink.poll, lambda: is_online(house))
        for sent in (b"ON", b"OFF"):
            house.say(f"{NODE}/privacy/set", sent)
            eventually_while(sink.poll, lambda sent=sent: house.raw(f"{NODE}/privacy/state")[-1] == sent)  # type: ignore[misc]
        house.say(f"{NODE}/privacy/set", "maybe")
        eventually_while(sink.poll, lambda: bool(house.raw(f"{NODE}/response/privacy")))
    assert requested == [True, False]
    assert house.json(f"{NODE}/response/privacy")[0]["status"] == "error"


def test_a_request_that_cannot_be_remembered_is_done_and_the_switch_shows_it(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path
) -> None:
    sensors_are_closed = False

    def close_and_forget(active: bool) -> None:
        nonlocal sensors_are_closed
        sensors_are_closed = active
        raise AffectdError("cannot remember the privacy switch; a restart will forget it")

    with node(mosquitto, tmp_path, set_privacy=close_and_forget) as sink:
        eventually_while(sink.poll, lambda: is_online(house))
        for sent in (b"ON", b"OFF"):
            house.say(f"{NODE}/privacy/set", sent)
            eventually_while(sink.poll, lambda sent=sent: house.raw(f"{NODE}/privacy/state")[-1] == sent)  # type: ignore[misc]
            assert sensors_are_closed is (sent == b"ON")
    assert [r["error"] for r in house.json(f"{NODE}/response/privacy")] == [
        "cannot remember the privacy switch; a restart will forget it"
    ] * 2


def test_a_retained_request_to_open_is_ignored_at_every_connection(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    requested: list[bool] = []
    house.say(f"{NODE}/privacy/set", "OFF", retain=True)
    with node(mosquitto, tmp_path, set_privacy=requested.append) as sink:
        eventually_while(sink.poll, lambda: "ignored a retained OFF" in caplog.text)
        house.say(f"{NODE}/privacy/set", "OFF", retain=True)  # now it hears it at once, which is a request of now
        eventually_while(sink.poll, lambda: requested == [False])


def test_a_retained_request_to_close_that_was_sent_while_the_node_was_away_closes(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    requested: list[bool] = []
    house.say(f"{NODE}/privacy/set", "ON", retain=True)
    with node(mosquitto, tmp_path, set_privacy=requested.append) as sink:
        eventually_while(sink.poll, lambda: requested == [True])
        eventually_while(sink.poll, lambda: house.raw(f"{NODE}/privacy/state")[-1:] == [b"ON"])
        house.say(f"{NODE}/privacy/set", "OFF")
        eventually_while(sink.poll, lambda: requested == [True, False])
        house.say(f"{NODE}/privacy/set", b"", retain=True)  # takes the retained one away, and is no request
        house.say(f"{NODE}/request/self-test", b"")
        eventually_while(sink.poll, lambda: bool(house.raw(f"{NODE}/response/self-test")))
    assert requested == [True, False]
    assert house.raw(f"{NODE}/response/privacy") == []
    assert "closed by a retained ON" in caplog.text


def test_a_flood_of_requests_and_of_rubbish_drives_out_no_privacy_request(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path
) -> None:
    requested: list[bool] = []
    with node(mosquitto, tmp_path, set_privacy=requested.append) as sink:
        eventually_while(sink.poll, lambda: is_online(house))
        for sent in ("ON", "OFF", "ON"):
            house.say(f"{NODE}/privacy/set", sent)
            for _ in range(80):  # more than what is kept of anything else
                house.say(f"{NODE}/request/self-test", b"")
                house.say(f"{NODE}/privacy/set", "maybe")
        eventually_while(sink.poll, lambda: requested[-1:] == [True])
        eventually_while(sink.poll, lambda: house.raw(f"{NODE}/privacy/state")[-1:] == [b"ON"])


def test_of_a_flood_of_privacy_requests_the_newest_is_obeyed_alone(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path
) -> None:
    requested: list[bool] = []
    with node(mosquitto, tmp_path, set_privacy=requested.append) as sink:
        eventually_while(sink.poll, lambda: is_online(house))
        for sent in ("ON", "OFF") * 100:
            house.say(f"{NODE}/privacy/set", sent)
        house.say(f"{NODE}/privacy/set", "ON")
        house.say(f"{NODE}/request/self-test", b"")  # after all of them; they wait for one call of poll
        eventually(lambda: len(sink._link.inbox) > 0)
        sink.poll()
    assert requested == [True]


def test_rubbish_is_answered_and_survived(mosquitto: Mosquitto, house: Listener, tmp_path: Path) -> None:
    with node(mosquitto, tmp_path) as sink:
        eventually_while(sink.poll, lambda: is_online(house))
        house.say(f"{NODE}/request/self-test", b"x" * 5000)
        house.say(f"{NODE}/request/self-test", json.dumps({"transaction": "\ud800"}))
        house.say(f"{NODE}/request/dance", b"")
        house.say(f"{NODE}/request/" + "v" * 60_000, b"")
        house.say(f"{NODE}/request/self-test", b"y" * 100_000)  # longer than the broker may send us
        house.say(f"{NODE}/request/self-test", b"{}")
        eventually_while(sink.poll, lambda: len(house.raw(f"{NODE}/response/self-test")) == 3)
        assert [r["status"] for r in house.json(f"{NODE}/response/self-test")] == ["error", "ok", "ok"]
        assert house.json(f"{NODE}/response/dance")[0]["error"] == "there is no such request; known: self-test"


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_flood_of_requests_is_turned_off_at_the_broker(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    requested: list[bool] = []
    with node(mosquitto, tmp_path, protocol=protocol, set_privacy=requested.append) as sink:
        eventually_while(sink.poll, lambda: is_online(house))
        for _ in range(400):
            house.say(f"{NODE}/request/dance", b"")
        eventually_while(sink.poll, lambda: "messages come in a flood" in caplog.text)
        answered = len(house.raw(f"{NODE}/response/dance"))
        assert answered < 400
        house.say(f"{NODE}/privacy/set", "ON")
        # The node said this after it had listened no more: so the broker knows that.
        eventually_while(sink.poll, lambda: house.raw(f"{NODE}/privacy/state")[-1:] == [b"ON"])
        house.say(f"{NODE}/request/self-test", b"")  # nobody hears it
        house.say(f"{NODE}/privacy/set", "OFF")
        eventually_while(sink.poll, lambda: house.raw(f"{NODE}/privacy/state")[-1:] == [b"OFF"])
        assert house.raw(f"{NODE}/response/self-test") == []
    assert requested == [True, False]


@pytest.mark.parametrize("flooded", [f"{NODE}/status", "homeassistant/status", "homeassistant/device/kitchen/config"])
def test_a_flood_at_anything_else_that_a_node_receives_is_turned_off_too(
    tmp_path: Path, flooded: str, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        Mosquitto(tmp_path, "log_type all", "log_timestamp false") as broker,
        Listener(broker.port) as house,
        node(broker, tmp_path) as sink,
    ):
        eventually_while(sink.poll, lambda: is_online(house))
        for _ in range(400):
            house.say(flooded, "online")
        eventually_while(sink.poll, lambda: "messages come in a flood" in caplog.text)
        house.say(f"{NODE}/privacy/set", "ON")
        eventually_while(sink.poll, lambda: house.raw(f"{NODE}/privacy/state")[-1:] == [b"ON"])
        _, _, left = (tmp_path / "mosquitto.log").read_text().partition("Received UNSUBSCRIBE from affectd-kitchen\n")
        assert f"\t{flooded}\n" in left.partition("Sending UNSUBACK")[0]
        assert f"\t{NODE}/privacy/set\n" not in left.partition("Sending UNSUBACK")[0]


def test_a_flood_of_rubbish_at_the_privacy_switch_is_not_answered_and_the_request_in_it_is_obeyed(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    requested: list[bool] = []
    with node(mosquitto, tmp_path, set_privacy=requested.append) as sink:
        eventually_while(sink.poll, lambda: is_online(house))
        for _ in range(400):
            house.say(f"{NODE}/privacy/set", "maybe")
        eventually_while(sink.poll, lambda: "messages come in a flood" in caplog.text)
        house.say(f"{NODE}/privacy/set", "ON")
        eventually_while(sink.poll, lambda: house.raw(f"{NODE}/privacy/state")[-1:] == [b"ON"])
        answered = len(house.raw(f"{NODE}/response/privacy"))
        house.say(f"{NODE}/privacy/set", "no")
        house.say(f"{NODE}/privacy/set", "OFF")
        eventually_while(sink.poll, lambda: house.raw(f"{NODE}/privacy/state")[-1:] == [b"OFF"])
        assert len(house.raw(f"{NODE}/response/privacy")) == answered
    assert requested == [True, False]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_broker_that_takes_small_packets_only_costs_discovery_which_is_named(
    tmp_path: Path, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    config = "homeassistant/device/affectd/kitchen/config"
    with (
        Mosquitto(tmp_path, "max_packet_size 2048") as broker,
        Listener(broker.port) as house,
        node(broker, tmp_path, protocol=protocol) as sink,
    ):
        eventually_while(sink.poll, lambda: is_online(house) and config in caplog.text, 20)
        house.say(f"{NODE}/request/self-test", b"")
        eventually_while(sink.poll, lambda: bool(house.raw(f"{NODE}/response/self-test")))
        house.heard.clear()
        tell(sink, 0, 3, "happy")
        house.say("homeassistant/status", "online")
        eventually_while(sink.poll, lambda: bool(house.raw(f"{NODE}/event")))
        eventually_while(sink.poll, lambda: bool(house.raw(f"{NODE}/state")))
        assert house.raw(f"{NODE}/status") == []  # the connection has held
        assert house.raw(config) == []
        broker.kill()  # its owner raises the limit
        (tmp_path / "mosquitto.conf").write_text((tmp_path / "mosquitto.conf").read_text().replace("2048", "20480"))
        eventually_while(sink.poll, lambda: "cannot be reached" in caplog.text)
        broker.start()
        with Listener(broker.port) as after:
            eventually_while(sink.poll, lambda: bool(after.raw(config)), 20)
    (named,) = [record.message for record in caplog.records if config in record.message]
    assert "bytes) is too large and not sent, everything else is" in named
    assert ("at most 2048 bytes" if protocol == "5" else "ends each connection at it") in named
    assert "another client" not in caplog.text


def test_home_assistant_is_reported_again_when_it_starts(mosquitto: Mosquitto, house: Listener, tmp_path: Path) -> None:
    config = "homeassistant/device/affectd/kitchen/config"
    with node(mosquitto, tmp_path) as sink:
        eventually_while(sink.poll, lambda: is_online(house))
        assert len(house.raw(config)) == 1
        house.say("homeassistant/status", "offline")
        house.say("homeassistant/status", "online")
        eventually_while(sink.poll, lambda: len(house.raw(config)) == 2)


def test_a_node_that_is_not_for_home_assistant_withdraws_itself(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path
) -> None:
    for wanted in (True, False):
        with node(mosquitto, tmp_path, home_assistant=wanted) as sink:
            eventually_while(sink.poll, lambda: is_online(house))
        eventually(lambda: not is_online(house))
    with Listener(mosquitto.port) as late:
        eventually(lambda: f"{NODE}/status" in late.topics())
        assert "homeassistant/device/affectd/kitchen/config" not in late.topics()


def test_home_assistant_receives_less_than_everybody_else(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path
) -> None:
    with node(mosquitto, tmp_path) as sink:
        eventually_while(sink.poll, lambda: is_online(house))
        for tenth in range(200):
            sink.publish(estimate(tenth / 10, "happy" if tenth % 10 < 8 else "sad"))
        eventually(lambda: len(house.raw(f"{NODE}/state")) > 20)
        told = house.json(f"{NODE}/homeassistant")
    assert told[0] == {
        "label": "happy", "confidence_percent": 80, "face": True, "speech": False, "valence": 0.5, "arousal": 0.2,
    }  # fmt: skip
    assert {t["label"] for t in told} == {"happy"}
    assert len(told) < 5


def test_home_assistant_knows_what_is_true_before_it_receives_that_the_node_is_online(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Mosquitto(tmp_path, "log_type all") as broker, node(broker, tmp_path) as sink:
        with Listener(broker.port) as before:
            eventually_while(sink.poll, lambda: is_online(before))
            sink.publish(estimate(0, "happy"))
        broker.kill()
        eventually_while(sink.poll, lambda: "trying again" in caplog.text)
        sink.poll()
        tell(sink, 1, 6, "sad")
        said_before = len(broker.log())
        broker.start()
        with Listener(broker.port) as after:
            eventually_while(sink.poll, lambda: is_online(after), 20)
            eventually_while(sink.poll, lambda: bool(after.json(f"{NODE}/homeassistant")))
        received = [line for line in broker.log()[said_before:] if "Received PUBLISH" in line]
    assert after.json(f"{NODE}/homeassistant")[0]["label"] == "sad"
    first = [next(i for i, line in enumerate(received) if f"'{NODE}/{t}'" in line) for t in ("homeassistant", "status")]
    assert first == sorted(first)


def test_the_own_last_will_after_a_restart_of_the_broker_is_nobodys_fault(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    will = {"state": "offline", "boot_id": "boot-1", "ts": "2026-11-30T00:00:00.000Z"}
    with node(mosquitto, tmp_path) as sink:
        eventually_while(sink.poll, lambda: is_online(house))
        house.say(f"{NODE}/status", json.dumps(will), retain=True)
        eventually_while(sink.poll, lambda: house.json(f"{NODE}/status")[-2:-1] == [will])
    assert "gave out the last will of kitchen" in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


OLD_ADDRESS = "homeassistant/device/kitchen/config"
OLD_ANNOUNCEMENT = json.dumps({"origin": {"name": "affectd"}, "device": {}, "components": {}})


def retained(port: int) -> dict[str, bytes]:
    with Listener(port) as late:
        late.say("the/end", "1")
        eventually(lambda: "the/end" in late.topics())
        return {topic: payload for topic, payload, is_retained in late.heard if is_retained and payload}


def test_an_announcement_at_the_old_address_is_handed_over_before_there_is_a_new_one(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path
) -> None:
    house.say(OLD_ADDRESS, OLD_ANNOUNCEMENT, retain=True)
    with node(mosquitto, tmp_path, is_first=True) as sink:
        eventually_while(sink.poll, lambda: b"" in house.raw(OLD_ADDRESS))
    spoken = [(topic, payload) for topic, payload, _ in house.heard if topic.endswith("/config")]
    assert [topic for topic, _ in spoken] == [OLD_ADDRESS, OLD_ADDRESS, TOPICS.address(table.DISCOVERY), OLD_ADDRESS]
    assert json.loads(spoken[1][1]) == {"migrate_discovery": True}
    assert OLD_ADDRESS not in retained(mosquitto.port)


def test_another_device_at_the_old_address_is_left_alone(mosquitto: Mosquitto, tmp_path: Path) -> None:
    others = json.dumps({"origin": {"name": "zigbee"}, "device": {}, "components": {}})
    with Listener(mosquitto.port) as house:
        house.say(OLD_ADDRESS, others, retain=True)
        with node(mosquitto, tmp_path, is_first=True) as sink:
            eventually_while(sink.poll, lambda: TOPICS.address(table.DISCOVERY) in house.topics())
    assert retained(mosquitto.port)[OLD_ADDRESS] == others.encode()


@pytest.mark.parametrize(
    "renamed", [Topics("hall"), Topics("kitchen", prefix="upstairs"), Topics("kitchen", homeassistant_prefix="ha")]
)
def test_a_node_that_is_renamed_leaves_nothing_of_its_old_name(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path, renamed: Topics, caplog: pytest.LogCaptureFixture
) -> None:
    with node(mosquitto, tmp_path, boot_id="boot-1") as sink:
        eventually_while(sink.poll, lambda: is_online(house))
    with node(mosquitto, tmp_path, boot_id="boot-2", topics=renamed) as sink:
        gone = [address for address in TOPICS.retained() if address not in renamed.retained()]
        eventually_while(sink.poll, lambda: all(house.raw(address)[-1] == b"" for address in gone))
        assert retained(mosquitto.port).keys() == renamed.retained().keys()
    assert "ignored" not in caplog.text  # it is its own status of before, which it asked for
    later = Identities(tmp_path / "identities.json", Identity(renamed.node, renamed.prefix, "x", "boot-3"))
    assert [one.node for one in later.former] == [renamed.node]


def test_a_name_that_another_node_has_taken_meanwhile_is_left_to_it(
    mosquitto: Mosquitto, house: Listener, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    with node(mosquitto, tmp_path, boot_id="boot-1") as first:
        eventually_while(first.poll, lambda: is_online(house))
    with node(mosquitto, tmp_path / "other", boot_id="boot-2") as taker:
        eventually_while(taker.poll, lambda: is_online(house))
        with node(mosquitto, tmp_path, boot_id="boot-3", topics=Topics("hall")) as renamed:
            eventually_while(renamed.poll, lambda: "affectd/hall/status" in house.topics())
            house.say("affectd/hall/request/self-test", "{}")
            eventually_while(renamed.poll, lambda: "affectd/hall/response/self-test" in house.topics())
        assert TOPICS.retained().keys() <= retained(mosquitto.port).keys()
