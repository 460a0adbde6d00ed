"""Drivers that do not answer: what the house hears meanwhile, and that affectd ends all the same."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from appliance import running, write_config
from broker import HOST, Listener, Mosquitto
from fakes import Recording, eventually
from processes import started
from test_pipeline import SeesJoy, frame, taken
from virtual_hardware import has_pulseaudio, virtual_microphone

from device.capture.latest import LatestOnly
from device.pipeline.branch_state import STARTING, BranchState, Phase
from device.pipeline.run import ThreadedPipeline
from device.signals import Frame
from device.stages import AnyBranch, Branch
from device.threads.abandonable import left_behind

pytestmark = pytest.mark.slow

SECOND = 1_000_000_000
STOPS_WITHIN_S = 5.0
SOON_S = 0.05


class Stuck(Recording):
    """A sensor whose driver does not answer in one of its calls until ``answer`` is set."""

    def __init__(self, call: str, *frames: Frame) -> None:
        super().__init__(frames, live=True)
        self.answer = threading.Event()
        self._call, self.threads = call, 0

    def _wait_if(self, call: str) -> None:
        if call == self._call:
            self.threads += 1
            self.answer.wait(60)
            self.threads -= 1

    def __enter__(self) -> Stuck:
        self._wait_if("opened")
        super().__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._wait_if("closed")
        super().__exit__(*exc)

    def __iter__(self) -> Iterator[Frame]:
        self._wait_if("read")
        yield from super().__iter__()


@contextmanager
def released(source: Stuck) -> Iterator[Stuck]:
    """At the end the driver answers, and the thread ends."""
    try:
        yield source
    finally:
        source.answer.set()
        eventually(lambda: not left_behind())


def branch(source: Any) -> AnyBranch:
    return Branch("camera", lambda: source, SeesJoy())


@pytest.mark.parametrize("call", ["opened", "read", "closed"])
def test_a_driver_that_does_not_answer_is_reported_and_is_asked_by_one_thread(call: str) -> None:
    with (
        released(Stuck(call, frame(0))) as source,
        ThreadedPipeline([branch(source)], stuck_after_s=SOON_S) as pipeline,
    ):
        if call == "closed":
            eventually(lambda: pipeline.states["camera"].state == "online")
            pipeline.pause(True)
        eventually(lambda: pipeline.states["camera"].state == "degraded")
        told = pipeline.states["camera"]
        assert told.reason.startswith(f"stuck: no answer for {SOON_S:g} s while it is {call}")
        assert not told.perceives
        assert source.threads == 1


@pytest.mark.parametrize("call", ["opened", "read", "closed"])
@pytest.mark.parametrize("newest", [False, True], ids=["bare", "newest only"])
def test_the_end_does_not_wait_for_a_stuck_driver(call: str, newest: bool) -> None:
    with released(Stuck(call, frame(0))) as source:
        began = time.monotonic()
        with ThreadedPipeline([branch(LatestOnly(source) if newest else source)]) as pipeline:
            eventually(lambda: call == "closed" or source.threads == 1)
            eventually(lambda: call != "closed" or pipeline.states["camera"].state == "online")
        assert time.monotonic() - began < STOPS_WITHIN_S
        assert left_behind()


def test_what_a_driver_hands_out_late_is_thrown_away_and_the_sensor_opened_anew() -> None:
    late, fresh = Stuck("read", frame(1)), Recording([frame(100)], live=True)
    sources = iter([late, fresh])
    with released(late), ThreadedPipeline(
        [Branch("camera", lambda: next(sources), SeesJoy())], stuck_after_s=SOON_S
    ) as pipeline:  # fmt: skip
        eventually(lambda: pipeline.states["camera"].state == "degraded")
        late.answer.set()
        readings = taken(pipeline, lambda: pipeline.states["camera"].last_captured_ns == 100 * SECOND)
    assert [reading.captured_ns for reading in readings] == [100 * SECOND]
    assert late.closed == 1


def test_privacy_that_comes_while_a_camera_is_stuck_closes_it_as_soon_as_it_answers() -> None:
    with released(Stuck("opened", frame(0))) as source, ThreadedPipeline([branch(source)]) as pipeline:
        eventually(lambda: source.threads == 1)
        pipeline.pause(True)
        assert pipeline.states["camera"].state != "disabled"
        source.answer.set()
        eventually(lambda: pipeline.states["camera"].state == "disabled")
        assert (source.opened, source.closed) == (1, 1)
        assert pipeline.take(0) is None


@pytest.mark.parametrize(
    ("noted", "told"),
    [
        (BranchState("online", "", phase=Phase.READING), "degraded"),
        (BranchState("offline", STARTING, phase=Phase.OPENING), "degraded"),
        (BranchState("offline", "no sound for 3 s", phase=Phase.CLOSING), "degraded"),
        (BranchState("offline", "it does not answer as a camera", phase=Phase.OPENING), "offline"),
        (BranchState("offline", "it does not answer as a camera", phase=Phase.IDLE), "offline"),
        (BranchState("online", "", phase=Phase.RECOGNISING), "online"),
        (BranchState("disabled", "privacy", phase=Phase.IDLE), "disabled"),
        (BranchState("online", "", phase=Phase.READING, is_finite=True), "online"),
    ],
)
def test_who_waits_for_a_driver_for_more_than_ten_seconds_is_stuck(noted: BranchState, told: str) -> None:
    assert noted.at(10 * SECOND) == noted
    assert noted.at(11 * SECOND).state == told


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with Mosquitto(folder) as broker:
        yield broker


def configured(folder: Path, broker: Mosquitto, **tables: dict[str, Any]) -> Path:
    return write_config(folder, mqtt={"host": HOST, "port": broker.port, "health_s": 1}, **tables)


def status(house: Listener, sensor: str) -> str:
    told = (house.json(f"affectd/test/status/{sensor}") or [{"state": "", "reason": ""}])[-1]
    return f"{told['state']}: {told['reason']}"


def ends_soon(process: subprocess.Popen[str]) -> None:
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert time.monotonic() - began < STOPS_WITHIN_S


class Watchdog:
    """systemd's side of the notifications."""

    def __init__(self, folder: Path) -> None:
        self.environment = {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "2000000"}
        self.meals = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.environment["NOTIFY_SOCKET"])
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Watchdog:
        self._reader.start()
        return self

    def __exit__(self, *exc: object) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.sendto(b"", self.environment["NOTIFY_SOCKET"])
        self._reader.join(10)
        self._socket.close()

    def _read(self) -> None:
        while said := self._socket.recv(4096):
            self.meals += said == b"WATCHDOG=1"


def test_a_sound_server_that_freezes_is_reported_and_the_node_lives_and_ends(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    pytest.importorskip("systemd.daemon", reason="systemd-python is not installed (libsystemd-dev was not there)")
    if not has_pulseaudio():
        pytest.skip("no virtual microphone: apt install pulseaudio pulseaudio-utils libasound2-plugins")
    config = configured(tmp_path, mosquitto, node={"mode": "speech"}, microphone={"name": "affectd_mic"})
    with (
        virtual_microphone(tmp_path) as hardware,
        Watchdog(tmp_path) as systemd,
        Listener(mosquitto.port) as house,
        running(config, {**hardware.environment, **systemd.environment}) as process,
    ):
        eventually(lambda: status(house, "microphone").startswith(("online", "degraded: only zeros")), 30)
        hardware.process.send_signal(signal.SIGSTOP)
        eventually(lambda: status(house, "microphone").startswith("degraded: stuck"), 30)
        meals = systemd.meals
        eventually(lambda: systemd.meals > meals + 2)
        ends_soon(process)
        hardware.process.send_signal(signal.SIGCONT)


def test_a_frozen_sound_server_that_goes_on_is_received_again(tmp_path: Path, mosquitto: Mosquitto) -> None:
    if not has_pulseaudio():
        pytest.skip("no virtual microphone: apt install pulseaudio pulseaudio-utils libasound2-plugins")
    config = configured(tmp_path, mosquitto, node={"mode": "speech"}, microphone={"name": "affectd_mic"})
    with (
        virtual_microphone(tmp_path) as hardware,
        Listener(mosquitto.port) as house,
        running(config, hardware.environment),
    ):
        eventually(lambda: status(house, "microphone").startswith("online"), 30)
        hardware.process.send_signal(signal.SIGSTOP)
        eventually(lambda: status(house, "microphone").startswith("degraded: stuck"), 30)
        hardware.process.send_signal(signal.SIGCONT)
        eventually(lambda: status(house, "microphone").startswith("online"), 30)


def test_while_a_camera_accepts_and_never_answers_affectd_ends_at_once(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with socket.create_server((HOST, 0)) as silent, Listener(mosquitto.port) as house:
        address = f"http://{HOST}:{silent.getsockname()[1]}/video"
        config = configured(tmp_path, mosquitto, node={"mode": "face"}, camera={"source": address})
        silent.settimeout(30)
        with running(config) as process:
            connection, _ = silent.accept()
            with connection:
                ends_soon(process)
        eventually(lambda: house.json("affectd/test/status")[-1]["state"] == "stopped")


SILENT_NAME_SERVER = "127.0.53.1"


def test_a_camera_whose_name_nobody_resolves_is_reported_and_affectd_ends(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        try:
            silent.bind((SILENT_NAME_SERVER, 53))
            subprocess.run(["unshare", "--mount", "true"], check=True, capture_output=True, timeout=10)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("a name server and a mount of one's own need root")
        resolver = tmp_path / "resolv.conf"
        resolver.write_text(f"nameserver {SILENT_NAME_SERVER}\noptions timeout:30 attempts:1\n")
        config = configured(tmp_path, mosquitto, node={"mode": "face"}, camera={"source": "rtsp://porch.lan/video"})
        asked = f'mount --bind {resolver} /etc/resolv.conf && exec {sys.executable} -m device run --config "$0"'
        with started(["unshare", "--mount", "sh", "-c", asked, config]) as process, Listener(mosquitto.port) as house:
            eventually(lambda: status(house, "camera").startswith("degraded: stuck"), 30)
            assert "name server" in status(house, "camera")
            ends_soon(process)
