import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from appliance import HAPPY_CLIP, running, write_config
from broker import HOST, Listener, Mosquitto
from server_process import serving

from device.monitoring.service import Progress

pytestmark = pytest.mark.slow

UNITS = Path(__file__).resolve().parents[1] / "systemd"
UNIT = UNITS / "affectd.service"
SERVER_UNIT = UNITS / "affectd-server.service"
GPU_DROP_IN = UNITS / "affectd-server.service.d" / "gpu.conf"
SECOND_NS = 1_000_000_000

needs_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")


def settings_of(unit: Path) -> dict[str, list[str]]:
    settings: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            settings.setdefault(key, []).append(value)
    return settings


def test_the_unit_keeps_the_contract() -> None:
    wanted = {
        "Type": "notify", "WatchdogSec": "30", "Restart": "always", "RestartSec": "2", "StartLimitIntervalSec": "300",
        "StartLimitBurst": "10", "RestartPreventExitStatus": "78", "DevicePolicy": "closed", "ProtectSystem": "strict",
        "StateDirectory": "affectd", "RuntimeDirectory": "affectd", "NoNewPrivileges": "yes",
        "SupplementaryGroups": "video audio",
        "ExecStart": "/opt/affectd/bin/affectd run --config /etc/affectd/affectd.toml",
    }  # fmt: skip
    found = settings_of(UNIT)
    assert {key: found[key] for key in wanted} == {key: [value] for key, value in wanted.items()}
    for device in ("char-video4linux", "char-media", "char-dma_heap", "char-alsa"):
        assert f"{device} rw" in found["DeviceAllow"]
    assert found["LoadCredential"][0].startswith("mqtt-password")
    assert found["SetCredential"] == ["mqtt-password:\\n"]
    assert "OPENBLAS_NUM_THREADS=1" in found["Environment"][0]
    assert {"MemoryMax", "TasksMax"} <= found.keys()


def test_the_server_s_unit_has_no_device_no_user_of_the_system_and_one_folder() -> None:
    wanted = {
        "Type": ["notify"], "WatchdogSec": ["30"], "Restart": ["always"], "RestartPreventExitStatus": ["78"],
        "DynamicUser": ["yes"], "PrivateDevices": ["yes"], "DevicePolicy": ["closed"], "ProtectSystem": ["strict"],
        "ProtectHome": ["yes"], "StateDirectory": ["affectd-server"],
        "ExecStart": ["/opt/affectd-server/bin/affectd-server run"], "LimitNOFILE": ["16384"],
        "OOMPolicy": ["continue"],
    }  # fmt: skip
    found = settings_of(SERVER_UNIT)
    assert {key: found[key] for key in wanted} == wanted
    assert [credential.split(":")[0] for credential in found["LoadCredential"]] == [
        "mqtt-password",
        "tls-cert",
        "tls-key",
    ]
    assert {"MemoryMax", "TasksMax"} <= found.keys()
    assert "ORT_DISABLE_TELEMETRY=1" in found["Environment"]


@needs_analyze
@pytest.mark.parametrize("unit", [UNIT, SERVER_UNIT], ids=lambda path: path.stem)
def test_systemd_understands_the_unit(unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name
    copy.write_text(re.sub(r"/opt/\S+", "/bin/true", unit.read_text()))
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_drop_in_allows_the_gpu_and_nothing_else() -> None:
    opened = {"PrivateDevices": ["no"], "DeviceAllow": ["char-nvidia* rw"], "MemoryDenyWriteExecute": ["no"]}
    found = settings_of(GPU_DROP_IN)
    assert {key: found[key] for key in opened} == opened
    assert set(found) - set(opened) == {"After", "CacheDirectory", "Environment", "MemoryMax"}


@needs_analyze
def test_systemd_understands_the_drop_in(tmp_path: Path) -> None:
    copy = tmp_path / SERVER_UNIT.name
    copy.write_text(re.sub(r"/opt/\S+", "/bin/true", SERVER_UNIT.read_text()))
    shutil.copytree(GPU_DROP_IN.parent, tmp_path / GPU_DROP_IN.parent.name)
    command = ["systemd-analyze", "verify", str(copy)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}
    )
    assert (done.returncode, done.stderr) == (0, "")


@needs_analyze
@pytest.mark.parametrize("unit", [UNIT, SERVER_UNIT], ids=lambda path: path.stem)
def test_the_unit_is_as_closed_as_it_was_promised(unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-2000:]


class Manager:
    """The service manager's end of the notification socket."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(5)

    def hears(self) -> str:
        return self.socket.recv(4096).decode()

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "NOTIFY_SOCKET": str(self.path), **environment},
            capture_output=True, text=True,
            timeout=120,
        )  # fmt: skip


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    pytest.importorskip(
        "systemd.daemon", reason="no systemd-python; run deploy/systemd_python.sh", exc_type=ImportError
    )
    manager = Manager(tmp_path / "notify")
    yield manager
    manager.socket.close()


LIFE = """
from device.monitoring.service import Notifier
n = Notifier()
n.ready("camera and microphone\\nare open")
s = 1_000_000_000
for now_s in (0, 1, 7.4, 7.6, 8):
    n.feed([], round(now_s * s))
n.feed(["vision"], 20 * s)
n.feed(["vision"], 30 * s)
n.feed([], 40 * s)
n.stopping()
"""


def test_a_life_as_the_service_manager_receives_it(manager: Manager) -> None:
    done = manager.run(LIFE, WATCHDOG_USEC="30000000")
    assert done.returncode == 0, done.stderr
    assert [manager.hears() for _ in range(7)] == [
        "READY=1\nSTATUS=camera and microphone are open",
        "WATCHDOG=1",  # at 0 s
        "WATCHDOG=1",  # at 7.6 s: a quarter of the period has passed
        "STATUS=stuck: vision",  # and no food
        "STATUS=camera and microphone are open",
        "WATCHDOG=1",
        "STOPPING=1\nSTATUS=stopping",
    ]


def test_its_status_reports_how_each_part_is(manager: Manager, tmp_path: Path) -> None:
    (tmp_path / "broker").mkdir()
    manager.socket.settimeout(60)
    with Mosquitto(tmp_path / "broker") as broker, Listener(broker.port) as house:
        replay, mqtt = {"media": [str(HAPPY_CLIP)], "loop": True}, {"host": HOST, "port": broker.port}
        with running(write_config(tmp_path, replay=replay, mqtt=mqtt), {"NOTIFY_SOCKET": str(manager.path)}):
            assert manager.hears().startswith("READY=1\nSTATUS=broker ")
            whole = "store online, models online"
            wait_for(manager, f"STATUS=broker online, {whole}, camera online, microphone online")
            house.say("affectd/test/privacy/set", "ON")
            closed = "camera disabled, microphone disabled, privacy on"
            wait_for(manager, f"STATUS=broker online, {whole}, {closed}")
            broker.kill()
            wait_for(manager, f"STATUS=broker offline, {whole}, {closed}")


def wait_for(manager: Manager, line: str) -> None:
    while manager.hears() != line:  # or the socket's time is over
        pass


def test_the_server_is_ready_when_it_can_be_asked_and_alive_until_it_stops(manager: Manager, tmp_path: Path) -> None:
    environment = ["env", f"NOTIFY_SOCKET={manager.path}", "WATCHDOG_USEC=400000"]
    manager.socket.settimeout(60)
    with serving(tmp_path, before=environment) as server:
        assert manager.hears() == f"READY=1\nSTATUS=serving at {server.url}"
        assert server.client().get("/healthz").status_code == 200
        assert [manager.hears() for _ in range(3)] == ["WATCHDOG=1"] * 3
        os.kill(server.pid, signal.SIGTERM)
        assert "STOPPING=1\nSTATUS=stopping" in iter(manager.hears, "never")


def test_without_a_service_manager_nothing_of_systemd_is_imported() -> None:
    script = (
        "import sys; from device.monitoring.service import Notifier, log_handler; n = Notifier(); "
        "n.ready('x'); n.feed([], 0);"
        "log_handler(); print([m for m in sys.modules if m.split('.')[0] == 'systemd'])"
    )
    environment = {k: v for k, v in os.environ.items() if k not in ("NOTIFY_SOCKET", "JOURNAL_STREAM")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_a_manager_that_waits_in_vain_is_an_error_with_its_remedy(
    manager: Manager,
) -> None:
    script = (
        "import sys; sys.modules['systemd'] = None; sys.modules['systemd.daemon'] = None\n"
        "from device.monitoring.service import Notifier\nfrom device.errors import ConfigError\n"
        "try: Notifier()\nexcept ConfigError as error: print(error)"
    )
    assert "apt install python3-systemd" in manager.run(script).stdout


def test_records_go_to_the_journal_only_when_it_listens(manager: Manager) -> None:
    script = (
        "import os, sys; from device.monitoring.service import log_handler\n"
        "s = os.fstat(2); print(type(log_handler()).__name__)\n"
        "os.environ['JOURNAL_STREAM'] = f'{s.st_dev}:{s.st_ino}'; print(type(log_handler(AFFECTD_NODE='k')).__name__)"
    )
    assert manager.run(script).stdout.split() == ["StreamHandler", "JournalHandler"]


def test_a_stage_that_has_not_moved_for_fifteen_seconds_is_stuck() -> None:
    progress = Progress()
    progress.moved("vision", 0)
    progress.moved("audio", 10 * SECOND_NS)
    assert progress.stuck(15 * SECOND_NS) == []
    assert progress.stuck(16 * SECOND_NS) == ["vision"]
    progress.moved("vision", 16 * SECOND_NS)
    assert progress.stuck(17 * SECOND_NS) == []


def test_a_standstill_of_the_whole_process_is_no_stages_fault() -> None:
    progress = Progress()
    progress.moved("vision", 0)
    assert progress.stuck(1 * SECOND_NS) == []
    progress.moved("vision", 0)  # it has had no time to
    assert progress.stuck(41 * SECOND_NS) == []  # the main loop itself was away for 40 s
    for tenth in range(410, 560):
        progress.moved("vision", 0)
        stuck = progress.stuck(tenth * SECOND_NS // 10)
    assert stuck == ["vision"]


def test_a_camera_that_privacy_closed_is_not_stuck() -> None:
    progress = Progress()
    progress.moved("vision", 0)
    progress.disable("vision")
    progress.disable("vision")
    assert progress.stuck(1000 * SECOND_NS) == []
