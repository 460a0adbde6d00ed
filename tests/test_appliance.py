"""The whole appliance against a real broker, seen as somebody in the house sees it."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from appliance import HAPPY_CLIP, ROOT, affectd, looping, running, write_config
from broker import HOST, Listener, Mosquitto
from fakes import eventually

from device.config.settings_file import load_settings, parse_settings
from device.publish.topics import TABLE, Topics

pytestmark = pytest.mark.slow

NODE = Topics("test")


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with Mosquitto(folder) as broker:
        yield broker


def latest(house: Listener, topic: str) -> Any:
    return (house.json(f"affectd/test/{topic}") or [None])[-1]


def test_a_subscriber_gets_every_topic_of_the_contract(tmp_path: Path, mosquitto: Mosquitto) -> None:
    config = looping(tmp_path, mosquitto, fusion={"uncertain_below": 0.0})
    with Listener(mosquitto.port) as house, running(config):
        eventually(lambda: bool(house.json("affectd/test/state")), 30)
        house.say("affectd/test/request/self-test", json.dumps({"transaction": "t1"}))
        house.say("affectd/test/privacy/set", "OFF")
        said_by_the_node = {NODE.address(topic, "self-test") for topic in TABLE if not topic.inbound}
        eventually(lambda: said_by_the_node <= set(house.topics()), 60)
        looked_at = {
            "models",
            "camera",
            "microphone",
            "broker",
            "store",
        }  # and the clock, of which this machine decides
        assert looked_at <= latest(house, "response/self-test")["data"].keys()
        assert latest(house, "status")["state"] == "online"
        assert latest(house, "status/camera")["state"] == "online"
        state = latest(house, "state")
        assert state["schema"] == "affectd.state/1"
        assert state["boot_id"] == latest(house, "status")["boot_id"]
        assert 0 < state["latency_ms"]["capture_to_publish"] < 5000
    assert latest(house, "status")["state"] == "stopped"


def test_online_comes_after_all_retained_state(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with Listener(mosquitto.port) as house, running(looping(tmp_path, mosquitto)):
        eventually(lambda: latest(house, "status") is not None, 30)
        before = house.topics()[: house.topics().index("affectd/test/status")]
        assert latest(house, "status")["boot_id"] == house.json("affectd/test/state")[0]["boot_id"]
        told = {f"affectd/test/{topic}" for topic in ("state", "info", "privacy/state", "status/models")}
        assert told <= set(before)


def test_a_sensor_that_the_mode_leaves_out_is_reported_to_be_disabled(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with Listener(mosquitto.port) as house, running(looping(tmp_path, mosquitto, node={"mode": "face"})):
        eventually(lambda: latest(house, "status") is not None, 30)
        assert latest(house, "status/microphone")["state"] == "disabled"
        assert "face" in latest(house, "status/microphone")["reason"]


def test_a_killed_node_is_offline_by_its_last_will(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with Listener(mosquitto.port) as house, running(looping(tmp_path, mosquitto)) as process:
        eventually(lambda: latest(house, "status") is not None, 30)
        boot_id = latest(house, "status")["boot_id"]
        process.send_signal(signal.SIGKILL)
        eventually(lambda: latest(house, "status")["state"] == "offline", 40)
        assert latest(house, "status")["boot_id"] == boot_id


def test_privacy_closes_both_sensors_and_survives_a_restart(tmp_path: Path, mosquitto: Mosquitto) -> None:
    config = looping(tmp_path, mosquitto)
    with Listener(mosquitto.port) as house:
        with running(config):
            eventually(lambda: bool(house.json("affectd/test/state")), 30)
            house.say("affectd/test/privacy/set", "ON")
            for sensor in ("camera", "microphone"):
                eventually(lambda s=sensor: latest(house, f"status/{s}")["state"] == "disabled", 10)  # type: ignore[misc]
            assert house.raw("affectd/test/privacy/state")[-1] == b"ON"
            eventually(lambda: latest(house, "state")["reason"] == "privacy", 10)
            closed = len(house.json("affectd/test/state"))
            eventually(lambda: len(house.json("affectd/test/state")) >= closed + 2, 10)
            assert {(s["label"], s["reason"]) for s in house.json("affectd/test/state")[closed:]} == {
                ("unknown", "privacy")
            }
            eventually(lambda: latest(house, "health")["frame_rate_hz"] is None, 10)
        house.heard.clear()
        with running(config):
            eventually(lambda: latest(house, "health") is not None, 30)
            assert latest(house, "status/camera") == {**latest(house, "status/camera"), "state": "disabled"}
            assert {state["label"] for state in house.json("affectd/test/state")} == {"unknown"}
            house.say("affectd/test/privacy/set", "OFF")
            eventually(lambda: latest(house, "state")["label"] != "unknown", 30)
            assert "nobody" not in {state["label"] for state in house.json("affectd/test/state")}


@pytest.mark.parametrize(("purpose", "closed"), [("not-stated", True), ("", False), ("home", False)])
def test_camera_and_microphone_stay_closed_until_a_purpose_is_stated(
    tmp_path: Path, mosquitto: Mosquitto, purpose: str, closed: bool
) -> None:
    node, mqtt = {"purpose": purpose}, {"host": HOST, "port": mosquitto.port}
    absent = {"camera": {"source": "/dev/video42"}, "microphone": {"name": "nobody's"}}
    config = write_config(tmp_path, node=node, mqtt=mqtt, **absent)
    with Listener(mosquitto.port) as house, running(config):
        eventually(lambda: latest(house, "status") is not None, 30)
        house.say("affectd/test/privacy/set", "OFF")
        for sensor in ("camera", "microphone"):
            eventually(lambda s=sensor: latest(house, f"status/{s}").get("reason") != "starting", 30)  # type: ignore[misc]
            reason = latest(house, f"status/{sensor}")["reason"]
            assert (reason == "closed until a purpose is stated; run: sudo affectd setup") is closed


def test_the_configuration_that_comes_with_the_package_states_no_purpose() -> None:
    assert load_settings(ROOT / "deploy" / "affectd.toml") == parse_settings('[node]\npurpose = "not-stated"', "")


def test_without_a_broker_it_keeps_running_reports_it_once_and_connects_later(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)  # a port, and nobody there yet
    config = looping(tmp_path, broker)
    with running(config) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if str(broker.port) in line)
        assert "refused" in line or "reach" in line
        with broker, Listener(broker.port) as house:
            eventually(lambda: bool(house.json("affectd/test/state")), 30)


def test_systemd_is_reported_ready_alive_and_stopping(tmp_path: Path, mosquitto: Mosquitto) -> None:
    pytest.importorskip("systemd.daemon", reason="systemd-python is not installed (libsystemd-dev was not there)")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "2000000"}
        with running(looping(tmp_path, mosquitto), environment) as process:
            said = [systemd.recv(4096).decode() for _ in range(6)]
            assert said[0].startswith("READY=1")
            assert [line for line in said[1:] if not line.startswith("STATUS=")][:2] == ["WATCHDOG=1", "WATCHDOG=1"]
            process.send_signal(signal.SIGTERM)
            while "STOPPING=1" not in (last := systemd.recv(4096).decode()):
                assert last == "WATCHDOG=1"
            assert process.wait(20) == 0


def test_without_systemd_nothing_of_it_is_imported(tmp_path: Path) -> None:
    config = write_config(tmp_path, replay={"media": [str(HAPPY_CLIP)]}, mqtt={"port": 1})
    done = affectd("run", "--config", config, environment={"PYTHONVERBOSE": "1"})
    assert "import 'device.app'" in done.stderr
    assert "import 'systemd" not in done.stderr


def test_a_missing_camera_is_named_and_the_microphone_carries_on(tmp_path: Path, mosquitto: Mosquitto) -> None:
    config = write_config(
        tmp_path,
        camera={"source": "/dev/v4l/by-id/usb-none"},
        mqtt={"host": HOST, "port": mosquitto.port, "health_s": 1},
    )
    with Listener(mosquitto.port) as house, running(config):
        eventually(lambda: latest(house, "health") is not None, 30)
        eventually(lambda: "usb-none" in str(latest(house, "status/camera")), 30)


def test_without_its_only_sensor_it_states_that_it_does_not_know_and_never_that_nobody_is_there(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    config = write_config(
        tmp_path,
        node={"mode": "face"},
        camera={"source": "/dev/v4l/by-id/usb-none"},
        mqtt={"host": HOST, "port": mosquitto.port, "heartbeat_s": 1},
    )
    with Listener(mosquitto.port) as house, running(config):
        eventually(lambda: [s["reason"] for s in house.json("affectd/test/state")].count("camera lost") >= 3, 30)
        assert {state["label"] for state in house.json("affectd/test/state")} == {"unknown"}
        assert house.topics().index("affectd/test/state") < house.topics().index("affectd/test/status")


@pytest.mark.parametrize("sensor", ["camera", "microphone"])
def test_a_required_sensor_that_is_missing_ends_it(tmp_path: Path, sensor: str) -> None:
    key, name = ("source", "/dev/v4l/by-id/usb-none") if sensor == "camera" else ("name", "no such microphone")
    mode = "face" if sensor == "camera" else "speech"
    config = write_config(tmp_path, **{sensor: {key: name, "required": True}}, node={"mode": mode}, mqtt={"port": 1})
    done = affectd("run", "--config", config)
    assert done.returncode == 1
    assert name in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("table", "entries", "said"),
    [
        ("mqtt", {"hots": "x"}, "unknown key mqtt.hots"),
        ("models", {"set": "none"}, "models.set = 'none'"),
        ("models", {"dir": "/nonexistent"}, "no models here"),
        ("replay", {"media": ["/nonexistent.mp4"]}, "/nonexistent.mp4"),
        ("mqtt", {"tls": True, "ca_file": "/nonexistent"}, "/nonexistent"),
    ],
)
def test_what_cannot_work_ends_with_one_line(tmp_path: Path, table: str, entries: dict[str, Any], said: str) -> None:
    done = affectd("run", "--config", write_config(tmp_path, **{table: entries}))
    assert said in done.stderr
    assert done.returncode == (1 if table == "replay" else 78)
    assert "Traceback" not in done.stderr


def test_an_altered_model_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    for path in (HAPPY_CLIP.parents[3] / "models_tflite").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    face = folder / "baseline-face.tflite"
    face.write_bytes(face.read_bytes()[:-1] + bytes([face.read_bytes()[-1] ^ 1]))
    config = write_config(tmp_path, models={"dir": str(folder), "set": "baseline"})
    done = affectd("run", "--config", config)
    assert done.returncode == 78
    assert "baseline-face.tflite: sha256" in done.stderr


def test_nothing_heavy_is_imported() -> None:
    heavy = ["tensorflow", "tf_keras", "keras", "librosa", "pandas", "scipy", "rich", "av", "amqtt"]
    done = affectd("--version", environment={})
    assert done.returncode == 0
    code = f"import sys, device.app; print([m for m in {heavy!r} if m in sys.modules])"
    import subprocess
    import sys

    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120).stdout.strip() == "[]"
    )


def test_it_leaves_no_picture_and_no_sound_on_the_disk(tmp_path: Path, mosquitto: Mosquitto) -> None:
    with Listener(mosquitto.port) as house, running(looping(tmp_path, mosquitto)):
        eventually(lambda: len(house.json("affectd/test/health")) >= 2, 30)
    left = {p.name for p in tmp_path.rglob("*") if p.is_file() and "broker" not in p.parts}
    assert {name.split("-")[0] for name in left} <= {"affectd.toml", "events.sqlite", "identities.json", "privacy"}
    assert os.environ.get("TMPDIR") is None or not list(Path(os.environ["TMPDIR"]).glob("affectd*"))
