"""Damage to the file of events."""

import os
import random
import shutil
import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from stored_events import payloads

from device.publish.outbox import Outbox

pytestmark = pytest.mark.slow

HOSTILE = Path(__file__).resolve().parents[1].parent / "shared" / "cases" / "hostile"


def a_store_of(path: Path, events: int) -> None:
    with Outbox(path) as outbox:
        for n in range(events):
            outbox.add(b'{"kind": "start", "n": %d, "padding": "%s"}' % (n, b"x" * 250), b'{"kind": "end"}')


def live_on(path: Path, *, at_most: int) -> list[bytes]:
    """What a life with this file does: whatever the file holds, it says each event once and keeps the new ones."""
    new = [b"new %d" % n for n in range(4)]
    with Outbox(path) as outbox:
        for event in new:
            outbox.add(event)
        said, last = [], 0
        while batch := outbox.after(last, 16):
            said += [stored.payload for stored in batch]
            last = batch[-1].id
            assert len(said) <= at_most + len(new)
        assert said[-len(new) :] == new
    with Outbox(path) as outbox:
        assert payloads(outbox)[-len(new) :] == new
        assert outbox.problem == ""
        for number in count(1):
            outbox.forget(number)
            if not outbox.depth:
                break
    with Outbox(path) as outbox:
        assert (outbox.depth, outbox.problem) == (0, "")
    return said[: -len(new)]


@pytest.mark.parametrize("name", ["outbox_blocked_bytes", "outbox_crash_at_start", "outbox_repeats_swap"])
def test_stores_that_brought_the_appliance_to_silence(tmp_path: Path, name: str) -> None:
    if not (HOSTILE / f"{name}.sqlite").is_file():
        pytest.skip(f"no {HOSTILE / name}.sqlite here")
    path = Path(shutil.copyfile(HOSTILE / f"{name}.sqlite", tmp_path / "outbox.sqlite"))
    with Outbox(path) as outbox:
        assert outbox.begun_anew == 1
        assert "was damaged" in outbox.problem
        assert outbox.depth >= 290
    live_on(path, at_most=300)


@pytest.mark.parametrize("seed", range(20))
def test_no_random_damage_silences_crashes_or_repeats(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    path = tmp_path / "outbox.sqlite"
    a_store_of(path, 100)
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice([1, 3, 30])):
        at = chance.randrange(len(content))
        match chance.randrange(4):
            case 0:
                content[at] ^= 1 << chance.randrange(8)
            case 1:
                content[at : at + 16] = chance.randbytes(16)
            case 2:  # a page in another's place
                other = chance.randrange(len(content) // 4096) * 4096
                page = at // 4096 * 4096
                content[page : page + 4096] = content[other : other + 4096]
            case 3:
                del content[max(at, 4096) :]
    path.write_bytes(content)
    live_on(path, at_most=101)


def test_damage_while_it_runs_loses_nothing_that_memory_has(tmp_path: Path) -> None:
    path, events = tmp_path / "outbox.sqlite", [b"%d" % n + bytes(1000) for n in range(4000)]  # more than SQLite caches
    Outbox(path).close()
    with closing(sqlite3.connect(path)) as store, store:
        store.executemany("INSERT INTO events (payload) VALUES (?)", [(event,) for event in events])
    with Outbox(path) as outbox:
        for part in (path, path.with_name("outbox.sqlite-wal")):
            part.write_bytes(os.urandom(part.stat().st_size))
        for number in range(1, 3991):
            outbox.forget(number)
        outbox.add(b"new", b"will")
        assert outbox.begun_anew >= 1
        assert "is begun anew" in outbox.problem
    with Outbox(path) as outbox:
        assert payloads(outbox) == [*events[-10:], b"new", b"will"]


def test_a_trigger_that_refuses_is_damage_and_not_a_reason_to_be_silent(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    Outbox(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TRIGGER no BEFORE INSERT ON events BEGIN SELECT RAISE(FAIL, 'no'); END")
    live_on(path, at_most=0)
