import logging
import os
import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from device.errors import AffectdError
from device.publish.outbox import Outbox


def payloads(outbox: Outbox) -> list[bytes]:
    return [stored.payload for stored in outbox.after(0, 1000) or []]


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


def a_folder_in_its_place(path: Path) -> None:
    path.mkdir()


def a_link_into_nowhere(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere" / path.name)


def rubbish_that_cannot_be_put_aside(path: Path) -> None:
    path.write_bytes(b"not a database at all, whatever its name says" * 50)
    path.with_name(path.name + ".broken").mkdir()


@contextmanager
def full_card() -> Iterator[None]:
    """Nothing can be written to any file: what is in the way is a limit of this process."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def memory_serves(outbox: Outbox, log: pytest.LogCaptureFixture) -> bool:
    for n in range(4):
        outbox.add(b"%d" % n)
    is_bounded = payloads(outbox) == [b"2", b"3"] and (outbox.depth, outbox.dropped) == (2, 2)
    return is_bounded and log.text.count("keeping them in memory") == 1


@pytest.mark.parametrize("spoil", [a_folder_in_its_place, a_link_into_nowhere, rubbish_that_cannot_be_put_aside])
def test_without_a_usable_file_events_are_kept_in_memory(
    tmp_path: Path, spoil: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    spoil(tmp_path / "outbox.sqlite")
    with Outbox(tmp_path / "outbox.sqlite", capacity=2) as outbox:
        assert memory_serves(outbox, caplog)


@pytest.mark.parametrize("content", [b"", b"not a database at all, whatever its name says" * 50])
def test_a_card_that_is_full_at_the_start_does_not_keep_the_appliance_from_starting(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "outbox.sqlite").write_bytes(content)
    with full_card():
        outbox = Outbox(tmp_path / "outbox.sqlite", capacity=2)
    with outbox:
        assert memory_serves(outbox, caplog)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write whatever the file says")
def test_a_file_that_can_only_be_read_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "outbox.sqlite"
    with Outbox(path) as outbox:
        outbox.add(b"of an earlier life")
    path.chmod(0o400)
    with Outbox(path, capacity=2) as outbox:
        assert memory_serves(outbox, caplog)


def test_a_second_process_on_the_same_store_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.sqlite") as first:
        first.add(b"event")
        with pytest.raises(AffectdError, match=r"another affectd has this event store; stop it, or .*node\.state_dir"):
            Outbox(tmp_path / "outbox.sqlite")
        assert payloads(first) == [b"event"]


def test_a_card_that_is_full_costs_events_and_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    path = tmp_path / "outbox.sqlite"
    Outbox(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(FAIL, 'disk is full'); END")
    with Outbox(path) as outbox:
        assert outbox.add(b"lost") is None
        assert outbox.add(b"lost too") is None
        assert (outbox.depth, outbox.dropped) == (0, 2)
    assert caplog.text.count("disk is full") == 1
