"""The whole appliance while its disk or its power fails, seen as somebody in the house sees it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from appliance import SCENE, running, write_config
from broker import HOST, Listener, Mosquitto
from fakes import eventually
from small_disk import fill, on_small_disk, seen_from_outside

pytestmark = pytest.mark.slow

CLIPS = [str(SCENE / f"1001_DFA_{emotion}_XX.flv") for emotion in ("HAP", "SAD")]


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with Mosquitto(folder) as broker:
        yield broker


def config_of(tmp_path: Path, broker: Mosquitto, folder: Path) -> Path:
    return write_config(
        tmp_path,
        node={"state_dir": str(folder), "mode": "face"},
        replay={"media": CLIPS, "loop": True},
        fusion={"uncertain_below": 0.0},
        mqtt={"host": HOST, "port": broker.port, "health_s": 1, "heartbeat_s": 1},
    )


def latest(house: Listener, topic: str) -> Any:
    return (house.json(f"affectd/test/{topic}") or [{}])[-1]


def events(house: Listener) -> list[Any]:
    return house.json("affectd/test/event")


def has_begun_one(told: list[Any]) -> bool:
    return [(e["kind"], e["backfilled"]) for e in told[-1:]] == [("start", False)]


def test_every_start_that_was_reported_gets_an_end_however_often_the_node_is_killed(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    config = config_of(tmp_path, mosquitto, tmp_path / "state")
    with Listener(mosquitto.port) as house:
        for _ in range(3):
            told = len(events(house))
            with running(config) as process:
                eventually(lambda told=told: has_begun_one(events(house)[told:]), 60)  # type: ignore[misc]
                process.send_signal(signal.SIGKILL)
                process.wait(10)
        told = len(events(house))
        with running(config):
            eventually(lambda: "restart" in [e["reason"] for e in events(house)[told:]], 60)
            eventually(lambda: latest(house, "status").get("state") == "online", 30)
        eventually(lambda: latest(house, "status").get("state") == "stopped", 30)
    kinds = {(e["id"], e["kind"]): e for e in events(house)}
    starts = {id_ for id_, kind in kinds if kind == "start"}
    assert len(starts) >= 3
    assert {id_ for id_, kind in kinds if kind == "end"} == starts
    restarts = [e for e in events(house) if e["reason"] == "restart"]
    assert len({e["id"] for e in restarts}) == 3
    assert all(e["kind"] == "end" and e["backfilled"] for e in restarts)


def test_a_disk_that_fills_up_while_it_runs_keeps_no_event_from_being_reported_and_forgets_no_privacy(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    disk = tmp_path / "disk"
    config = config_of(tmp_path, mosquitto, disk)
    with (
        Listener(mosquitto.port) as house,
        running(config, within=lambda command: on_small_disk(disk, command)) as process,
    ):
        eventually(lambda: latest(house, "status/store").get("state") == "online", 30)
        inside = seen_from_outside(process.pid, disk)
        fill(inside)
        inside_wal = inside / "events.sqlite-wal"
        eventually(lambda: "full" in str(latest(house, "status/store").get("reason")), 60)
        told = len(events(house))
        eventually(lambda: len(events(house)) >= told + 4, 60)  # each of them is in memory alone
        assert latest(house, "status/store")["state"] == "degraded"
        house.say("affectd/test/privacy/set", "ON")
        eventually(lambda: (inside / "privacy").read_bytes() == b"ON \n")
        eventually(lambda: latest(house, "status/camera").get("state") == "disabled")
        assert house.raw("affectd/test/response/privacy") == []
        assert inside_wal.exists()
        (inside / "filling").unlink()
        eventually(lambda: latest(house, "status/store")["state"] == "online", 10)


def test_a_state_folder_that_can_only_be_read_degrades_and_stops_nothing(tmp_path: Path, mosquitto: Mosquitto) -> None:
    disk = tmp_path / "disk"
    config = config_of(tmp_path, mosquitto, disk)

    def within(command: list[str]) -> list[str]:
        read_only = 'mount -o remount,ro "$1" && shift && exec "$@"'
        return on_small_disk(disk, ["sh", "-c", read_only, "sh", str(disk), *command])

    with Listener(mosquitto.port) as house, running(config, within=within):
        eventually(lambda: latest(house, "status").get("state") == "online", 30)
        store = latest(house, "status/store")
        assert store["state"] == "degraded"
        assert "privacy: cannot remember the privacy switch (Read-only file system)" in store["reason"]
        assert "events.sqlite: cannot keep events there (Read-only file system)" in store["reason"]
        assert house.raw("affectd/test/privacy/state")[-1] == b"OFF"
        eventually(lambda: {"start", "end"} <= {e["kind"] for e in events(house)}, 60)
        assert latest(house, "health")["queued"]["events_in_memory_only"] >= 0
        house.say("affectd/test/request/self-test", b"")
        eventually(lambda: "store: " in str(latest(house, "response/self-test").get("error")), 30)


def test_a_request_that_cannot_be_read_starts_closed_and_can_be_opened(tmp_path: Path, mosquitto: Mosquitto) -> None:
    folder = tmp_path / "state"
    (folder / "privacy").mkdir(parents=True)  # what cannot be read as a file, even by root
    with Listener(mosquitto.port) as house, running(config_of(tmp_path, mosquitto, folder)):
        eventually(lambda: latest(house, "status").get("state") == "online", 30)
        assert house.raw("affectd/test/privacy/state")[-1] == b"ON"
        assert latest(house, "status/camera")["state"] == "disabled"
        assert "cannot read the privacy switch" in latest(house, "status/store")["reason"]
        house.say("affectd/test/privacy/set", "OFF")
        eventually(lambda: latest(house, "status/camera")["state"] == "online", 30)


def test_a_damaged_event_store_is_reported_in_status_and_health_and_events_go_on(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "events.sqlite").write_bytes(b"SQLite format 3\0" + os.urandom(20_000))
    with Listener(mosquitto.port) as house, running(config_of(tmp_path, mosquitto, folder)):
        eventually(lambda: latest(house, "health") != {}, 30)
        assert latest(house, "status/store")["state"] == "degraded"
        assert "kept as events.sqlite.broken" in latest(house, "status/store")["reason"]
        assert latest(house, "health")["restarts"]["store"] == 1
        eventually(lambda: len(events(house)) >= 2, 60)
