import os
from collections.abc import Callable
from pathlib import Path

import pytest
from small_disk import run_on_small_disk
from stored_events import payloads

from device.errors import AffectdError
from device.publish.outbox import Outbox

pytestmark = pytest.mark.slow

PRELUDE = f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from small_disk import fill
from device.publish.outbox import Outbox
folder = Path(sys.argv[1])
path = folder / "outbox.sqlite"
def waiting(outbox): return [stored.payload.decode() for stored in outbox.after(0, 1000)]
"""


def test_what_was_written_down_is_there_after_a_restart(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.sqlite") as outbox:
        for n in range(3):
            outbox.add(b"event %d" % n)
    with Outbox(tmp_path / "outbox.sqlite") as outbox:
        assert outbox.depth == 3
        assert payloads(outbox) == [b"event 0", b"event 1", b"event 2"]
        assert outbox.problem == ""


def test_what_was_delivered_is_forgotten(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.sqlite") as outbox:
        first, _second = outbox.add(b"first"), outbox.add(b"second")
        outbox.forget(first)
        outbox.forget(first)
        assert payloads(outbox) == [b"second"]
        assert outbox.depth == 1
    with Outbox(tmp_path / "outbox.sqlite") as outbox:
        assert payloads(outbox) == [b"second"]


def test_a_full_store_drops_the_oldest_and_counts_it(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    with Outbox(path, capacity=3) as outbox:
        for n in range(5):
            outbox.add(b"%d" % n)
        assert payloads(outbox) == [b"2", b"3", b"4"]
        assert (outbox.depth, outbox.dropped) == (3, 2)
    with Outbox(path, capacity=2) as outbox:
        assert payloads(outbox) == [b"3", b"4"]
        assert outbox.dropped == 1


def test_the_will_of_a_life_that_ended_without_a_word_comes_after_its_events(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    with Outbox(path) as outbox:
        outbox.add(b"start", b"end, as of the start")
        outbox.add(b"update", b"end, as of the update")
        outbox.leave(b"end, as of what was last seen")
    for _ in range(2):  # it is said once, however often the node dies before it could
        with Outbox(path) as outbox:
            assert payloads(outbox) == [b"start", b"update", b"end, as of what was last seen"]
    with Outbox(path) as outbox:
        outbox.add(b"start", b"end")
        outbox.add(b"a proper end", None)
    with Outbox(path) as outbox:
        assert payloads(outbox)[-2:] == [b"start", b"a proper end"]


@pytest.mark.parametrize("rubbish", [b"", b"not a database at all, whatever its name says" * 50])
def test_a_broken_store_is_put_aside_and_the_appliance_runs_on(tmp_path: Path, rubbish: bytes) -> None:
    path = tmp_path / "outbox.sqlite"
    path.write_bytes(rubbish)
    with Outbox(path) as outbox:
        outbox.add(b"event")
        assert payloads(outbox) == [b"event"]
        assert outbox.begun_anew == bool(rubbish)
        assert ("kept as outbox.sqlite.broken" in outbox.problem) == bool(rubbish)
    assert path.with_name("outbox.sqlite.broken").exists() == bool(rubbish)
    with Outbox(path) as outbox:
        assert payloads(outbox) == [b"event"]
        assert outbox.problem == ""


def a_folder_in_its_place(path: Path) -> None:
    path.mkdir()


def a_link_into_nowhere(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere" / path.name)


def rubbish_that_cannot_be_put_aside(path: Path) -> None:
    path.write_bytes(b"not a database at all, whatever its name says" * 50)
    path.with_name(path.name + ".broken").mkdir()


@pytest.mark.parametrize("spoil", [a_folder_in_its_place, a_link_into_nowhere, rubbish_that_cannot_be_put_aside])
def test_without_a_usable_file_events_are_kept_in_memory(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    spoil(tmp_path / "outbox.sqlite")
    with Outbox(tmp_path / "outbox.sqlite", capacity=2) as outbox:
        for n in range(4):
            outbox.add(b"%d" % n)
        outbox.mend()
        assert payloads(outbox) == [b"2", b"3"]
        assert (outbox.depth, outbox.in_memory_only, outbox.dropped) == (2, 2, 2)
        assert "where a restart loses them" in outbox.problem


def test_events_of_a_folder_that_comes_later_are_written_down_then(tmp_path: Path) -> None:
    path = tmp_path / "not mounted yet" / "outbox.sqlite"
    with Outbox(path) as outbox:
        outbox.add(b"early", b"will")
        assert "No such file or directory" in outbox.problem
        path.parent.mkdir()
        with Outbox(path) as earlier:
            earlier.add(b"of an earlier life")
        outbox.mend()
        assert (outbox.problem, outbox.in_memory_only) == ("", 0)
    with Outbox(path) as outbox:
        assert payloads(outbox) == [b"early", b"of an earlier life", b"will"]


def test_a_file_that_somebody_deletes_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    with Outbox(path) as outbox:
        outbox.add(b"event")
        path.unlink()
        outbox.mend()
        assert outbox.problem == ""
    with Outbox(path) as outbox:
        assert payloads(outbox) == [b"event"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write whatever the file says")
def test_a_file_that_may_only_be_read_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    with Outbox(path) as outbox:
        outbox.add(b"of an earlier life")
    path.chmod(0o400)
    before = path.read_bytes()
    with Outbox(path) as outbox:
        outbox.add(b"event")
        assert payloads(outbox) == [b"of an earlier life", b"event"]
        assert "Permission denied" in outbox.problem
    assert path.read_bytes() == before


def test_a_second_process_on_the_same_store_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with Outbox(tmp_path / "outbox.sqlite") as first:
        first.add(b"event")
        with pytest.raises(AffectdError, match=r"another affectd has this event store; stop it, or .*node\.state_dir"):
            Outbox(tmp_path / "outbox.sqlite")
        assert payloads(first) == [b"event"]


def test_a_disk_that_fills_up_loses_no_event_and_takes_them_when_there_is_room_again(tmp_path: Path) -> None:
    script = PRELUDE + (
        "with Outbox(path) as outbox:\n"
        "    outbox.add(b'before')\n"
        "    fill(folder)\n"
        "    for n in range(400): outbox.add(b'%d' % n + bytes(1000), b'will')\n"  # more than the pages it has
        "    print('full' in outbox.problem, outbox.depth, outbox.in_memory_only, outbox.dropped)\n"
        "    outbox.mend()\n"
        "    print('full' in outbox.problem)\n"
        "    (folder / 'filling').unlink()\n"
        "    for n in range(395): outbox.forget(n + 1)\n"
        "    outbox.mend()\n"
        "    print(outbox.problem or 'fine', outbox.in_memory_only)\n"
        "with Outbox(path) as outbox: print(*[payload.rstrip('\\0') for payload in waiting(outbox)])"
    )
    assert run_on_small_disk(tmp_path / "disk", script).splitlines() == [
        "True 401 401 0",
        "True",
        "fine 0",
        "394 395 396 397 398 399 will",
    ]


@pytest.mark.parametrize("content", [b"", b"not a database at all, whatever its name says" * 50])
def test_a_disk_that_is_full_at_the_start_does_not_keep_the_appliance_from_starting(
    tmp_path: Path, content: bytes
) -> None:
    script = PRELUDE + (
        f"path.write_bytes({content!r})\n"
        "fill(folder)\n"
        "with Outbox(path, capacity=2) as outbox:\n"
        "    for n in range(4): outbox.add(b'%d' % n)\n"
        "    print(*waiting(outbox), 'where a restart loses them' in outbox.problem)"
    )
    assert run_on_small_disk(tmp_path / "disk", script) == "2 3 True"


def test_a_disk_that_can_only_be_read_still_gives_what_it_has(tmp_path: Path) -> None:
    script = PRELUDE + (
        "import subprocess\n"
        "subprocess.run([sys.executable, '-c', '''" + PRELUDE + "\n"
        "outbox = Outbox(path)\n"
        'for n in range(3): outbox.add(b"%d" % n, b"will")\n'
        "os.kill(os.getpid(), 9)''', folder])\n"
        "os.system(f'mount -o remount,ro {folder}')\n"
        "with Outbox(path) as outbox:\n"
        "    outbox.add(b'3')\n"
        "    print(*waiting(outbox), 'Read-only file system' in outbox.problem)\n"
        "    outbox.mend()\n"
        "    print(outbox.depth, outbox.in_memory_only)"
    )
    assert run_on_small_disk(tmp_path / "disk", script).splitlines() == ["0 1 2 will 3 True", "5 5"]
