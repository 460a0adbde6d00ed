import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from broker import HOST, Listener, Mosquitto, eventually_while
from fakes import eventually

from device.publish.broker import BrokerAddress
from device.publish.courier import Courier
from device.publish.mqtt import Link
from device.publish.outbox import Outbox


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Listener]:
    with Mosquitto(tmp_path) as broker, Listener(broker.port) as listener:
        yield listener


@pytest.fixture
def link(house: Listener) -> Iterator[Link]:
    link = Link(BrokerAddress(HOST, house.port), client_id="courier", subscriptions=[])
    link.open()
    eventually(lambda: link.connected)
    yield link
    link.close()


def told(house: Listener) -> list[tuple[int, bool]]:
    return [(event["n"], event.get("backfilled", False)) for event in house.json("event")]


def an_earlier_life(path: Path, statement: str) -> None:
    Outbox(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as store:
        store.execute(statement)


def test_events_go_at_once_unless_others_wait_before_them(house: Listener, link: Link, tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.sqlite") as outbox:
        courier = Courier(link=link, outbox=outbox, address="event")
        for n, at_once in enumerate([True, False, True]):
            courier.post({"n": n}, at_once=at_once)
        eventually_while(courier.deliver, lambda: outbox.depth == 0)
    eventually(lambda: told(house) == [(0, False), (1, True), (2, True)])


def test_events_that_cannot_be_read_for_a_while_are_not_left_behind(
    house: Listener, link: Link, tmp_path: Path
) -> None:
    path = tmp_path / "outbox.sqlite"
    an_earlier_life(path, "INSERT INTO events (payload) VALUES (CAST(x'ff' AS TEXT))")  # SQLite fails to read it
    with Outbox(path, capacity=3) as outbox:
        courier = Courier(link=link, outbox=outbox, address="event")
        for n in range(2):
            courier.post({"n": n}, at_once=False)
        courier.deliver()
        courier.post({"n": 2}, at_once=True)  # the fourth: the oldest goes, and with it the obstacle
        eventually_while(courier.deliver, lambda: outbox.depth == 0)
    eventually(lambda: told(house) == [(0, True), (1, True), (2, True)])


@pytest.mark.parametrize("spoiled", ["x'7b22ff'", "x'5b5d'", "x''"])
def test_an_event_that_the_card_spoiled_costs_that_event_only(
    house: Listener, link: Link, tmp_path: Path, spoiled: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "outbox.sqlite"
    an_earlier_life(path, f"INSERT INTO events (payload) VALUES ({spoiled})")
    with Outbox(path) as outbox:
        courier = Courier(link=link, outbox=outbox, address="event")
        courier.post({"n": 1}, at_once=True)
        eventually_while(courier.deliver, lambda: outbox.depth == 0)
    eventually(lambda: told(house) == [(1, True)])
    assert caplog.text.count("cannot be read") == 1
