import logging
import sqlite3
from pathlib import Path

import pytest

from device.errors import AffectdError
from device.publish.outbox import Outbox


def payloads(outbox: Outbox) -> list[bytes]:
    return [stored.payload for stored in outbox.after(0, 1000)]


def test_what_was_written_down_is_there_after_a_restart(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.sqlite") as outbox:
        for n in range(3):
            outbox.add(b"event %d" % n)
    with Outbox(tmp_path / "outbox.sqlite") as outbox:
        assert outbox.depth == 3
        assert payloads(outbox) == [b"event 0", b"event 1", b"event 2"]


def test_what_was_delivered_is_forgotten(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.sqlite") as outbox:
        first, second = outbox.add(b"first"), outbox.add(b"second")
        assert first is not None
        assert second is not None
        outbox.forget(first)
        outbox.forget(first)
        assert payloads(outbox) == [b"second"]
        assert outbox.depth == 1


def test_a_full_store_drops_the_oldest_and_counts_it(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.sqlite", capacity=3) as outbox:
        for n in range(5):
            outbox.add(b"%d" % n)
        assert payloads(outbox) == [b"2", b"3", b"4"]
        assert (outbox.depth, outbox.dropped) == (3, 2)


def test_numbers_are_not_used_again_after_a_restart(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.sqlite") as outbox:
        number = outbox.add(b"delivered")
        assert number is not None
        outbox.forget(number)
    with Outbox(tmp_path / "outbox.sqlite") as outbox:
        assert (outbox.add(b"next") or 0) > number


@pytest.mark.parametrize("rubbish", [b"", b"not a database at all, whatever its name says" * 50])
def test_a_broken_store_is_put_aside_and_the_appliance_runs_on(tmp_path: Path, rubbish: bytes) -> None:
    path = tmp_path / "outbox.sqlite"
    path.write_bytes(rubbish)
    with Outbox(path) as outbox:
        outbox.add(b"event")
        assert payloads(outbox) == [b"event"]
    assert path.with_name("outbox.sqlite.broken").exists() == bool(rubbish)


def test_a_folder_that_is_not_there_is_an_error_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(AffectdError, match=r"nowhere/outbox\.sqlite: cannot open the event store"):
        Outbox(tmp_path / "nowhere" / "outbox.sqlite")


def test_a_card_that_is_full_costs_events_and_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    path = tmp_path / "outbox.sqlite"
    with Outbox(path) as outbox:
        with sqlite3.connect(path, isolation_level=None) as other:
            other.execute("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(FAIL, 'disk is full'); END")
        other.close()
        assert outbox.add(b"lost") is None
        assert outbox.add(b"lost too") is None
        assert (outbox.depth, outbox.dropped) == (0, 2)
    assert caplog.text.count("disk is full") == 1
