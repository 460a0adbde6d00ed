import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from broker import HOST, Listener, Mosquitto, eventually_while
from fakes import eventually

from device.publish.broker import BrokerAddress
from device.publish.contract import Json, as_json
from device.publish.episodes import EpisodeEvent, EpisodeKind
from device.publish.mqtt import MqttClient
from device.publish.outbox import Outbox
from device.publish.outbox_relay import OutboxRelay
from device.publish.payload import MediaClock, Payloads
from device.publish.wall_clock import ClockSetting, clock_setting, rfc3339, unix_ns

PAYLOADS = Payloads(node="kitchen", boot_id="boot", model_set="baseline", clock=MediaClock())


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Listener]:
    with Mosquitto(tmp_path) as broker, Listener(broker.port) as listener:
        yield listener


@pytest.fixture
def link(house: Listener) -> Iterator[MqttClient]:
    link = MqttClient(BrokerAddress(HOST, house.port), client_id="relay", subscriptions=[])
    link.open()
    eventually(lambda: link.connected)
    yield link
    link.close()


def event(n: int, **changes: object) -> Json:
    """An event whose id is its number."""
    return as_json(
        PAYLOADS.event(EpisodeEvent(EpisodeKind.START, str(n), "sad", 58 * 10**9, 60_250_000_000, 0.5, 0.5, 0.5))
    ) | {
        "clock_synced": True,
        **changes,
    }


def told(house: Listener) -> list[tuple[int, bool]]:
    return [(int(event["id"]), event["backfilled"]) for event in house.json("event")]


def an_earlier_life(path: Path, *statements: str) -> None:
    Outbox(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as store:
        for statement in statements:
            store.execute(statement)


def test_events_go_at_once_unless_others_wait_before_them(house: Listener, link: MqttClient, tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.sqlite") as outbox:
        relay = OutboxRelay(link=link, outbox=outbox, address="event")
        for n, at_once in enumerate([True, False, True]):
            relay.enqueue(event(n), at_once=at_once)
        eventually_while(relay.deliver, lambda: outbox.depth == 0)
    eventually(lambda: told(house) == [(0, False), (1, True), (2, True)])


FOREIGN = json.dumps(event(7) | {"confidence": "very"}).encode().hex()


@pytest.mark.parametrize("spoiled", ["x'7b22ff'", "x'5b5d'", "x''", "'text'", "CAST(x'ff' AS TEXT)", f"x'{FOREIGN}'"])
def test_an_event_that_the_card_spoiled_costs_that_event_only(
    house: Listener, link: MqttClient, tmp_path: Path, spoiled: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "outbox.sqlite"
    an_earlier_life(path, f"INSERT INTO events (payload) VALUES ({spoiled})")
    with Outbox(path) as outbox:
        relay = OutboxRelay(link=link, outbox=outbox, address="event")
        relay.enqueue(event(1), at_once=True)
        eventually_while(relay.deliver, lambda: outbox.depth == 0)
    eventually(lambda: told(house) == [(1, True)])
    assert caplog.text.count("cannot be read") == 1
    assert outbox.dropped == 1


def test_what_else_stands_in_the_store_is_not_published_and_reported_once(
    house: Listener, link: MqttClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    foreign = [{}, {"face_crop": [0] * 48}, {"schema": "affectd.event/2"}, event(5) | {"label": "joy"}]
    rows = [json.dumps(each).encode().hex() for each in (*foreign, event(6) | {"face_crop": [0]})]
    an_earlier_life(tmp_path / "outbox.sqlite", *(f"INSERT INTO events (payload) VALUES (x'{row}')" for row in rows))
    with Outbox(tmp_path / "outbox.sqlite") as outbox:
        relay = OutboxRelay(link=link, outbox=outbox, address="event")
        eventually_while(relay.deliver, lambda: outbox.depth == 0)
    eventually(lambda: told(house) == [(6, True)])
    assert "face_crop" not in house.json("event")[0]
    assert outbox.dropped == len(foreign)
    assert caplog.text.count("cannot be read") == 1


IN_1970 = ClockSetting("this boot", 10_000_000_000, synced=False)
SET = ClockSetting("this boot", 1_796_000_000_000_000_000, synced=True)
"""The machine booted at 2026-11-30T00:53:20Z, as it knows since a time server told it."""


@pytest.mark.parametrize(
    ("stored_by", "delivered_by", "dates"),
    [
        (IN_1970, SET, ("2026-11-30T00:54:10.250Z", "2026-11-30T00:54:08.000Z", True)),
        (
            IN_1970,
            replace(SET, synced=False),
            ("2026-11-30T00:54:10.250Z", "2026-11-30T00:54:08.000Z", False),
        ),  # by hand
        (IN_1970, IN_1970, ("1970-01-01T00:01:00.250Z", "1970-01-01T00:00:58.000Z", False)),
        (IN_1970, replace(SET, boot="a later boot"), ("1970-01-01T00:01:00.250Z", "1970-01-01T00:00:58.000Z", False)),
        (
            replace(SET, synced=False),
            SET,
            ("1970-01-01T00:01:00.250Z", "1970-01-01T00:00:58.000Z", True),
        ),  # it was right
    ],
)
def test_an_event_of_a_clock_that_was_not_set_is_dated_when_it_is(
    house: Listener,
    link: MqttClient,
    tmp_path: Path,
    stored_by: ClockSetting,
    delivered_by: ClockSetting,
    dates: object,
) -> None:
    path = tmp_path / "outbox.sqlite"
    with Outbox(path) as outbox:
        relay = OutboxRelay(link=link, outbox=outbox, address="event", clock=lambda: stored_by)
        relay.enqueue(event(1, clock_synced=False), at_once=False, will=event(2, clock_synced=False))
    with Outbox(path) as outbox:
        relay = OutboxRelay(link=link, outbox=outbox, address="event", clock=lambda: delivered_by)
        eventually_while(relay.deliver, lambda: outbox.depth == 0)
    eventually(lambda: len(house.json("event")) == 2)
    assert [(e["ts"], e["started_ts"], e["clock_synced"]) for e in house.json("event")] == [dates, dates]
    assert house.json("event")[0] == event(1, backfilled=True) | {
        "ts": dates[0], "started_ts": dates[1], "clock_synced": dates[2]  # type: ignore[index]
    }  # fmt: skip


def test_a_date_that_was_right_stays_whatever_becomes_of_the_clock(
    house: Listener, link: MqttClient, tmp_path: Path
) -> None:
    clock = SET
    with Outbox(tmp_path / "outbox.sqlite") as outbox:
        relay = OutboxRelay(link=link, outbox=outbox, address="event", clock=lambda: clock)
        relay.enqueue(event(1), at_once=False)
        clock = replace(SET, booted_unix_ns=5_000_000_000)
        eventually_while(relay.deliver, lambda: outbox.depth == 0)
    eventually(lambda: house.json("event") == [event(1, backfilled=True)])


def test_a_clock_that_is_set_moves_the_boot_and_time_does_not() -> None:
    first, second = clock_setting(), clock_setting()
    assert first.boot == second.boot
    assert abs(first.booted_unix_ns - second.booted_unix_ns) < 500_000_000
    assert len(first.boot) == 36


@pytest.mark.parametrize("at_ns", [0, 59_999_000_000, 1_796_000_000_123_000_000])
def test_a_date_is_read_as_it_was_written(at_ns: int) -> None:
    assert unix_ns(rfc3339(at_ns)) == at_ns
