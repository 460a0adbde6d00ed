from pathlib import Path

import pytest

from device.monitoring.health import NodeHealth, RateMeter, SystemProbe
from device.publish.contract import as_json, encode
from device.publish.payload import MediaClock, Payloads


def zone(sys_root: Path, number: int, kind: str, millidegrees: str) -> None:
    folder = sys_root / f"class/thermal/thermal_zone{number}"
    folder.mkdir(parents=True)
    (folder / "type").write_text(kind + "\n")
    (folder / "temp").write_text(millidegrees + "\n")


def test_a_raspberry_pi_reports_its_temperature_and_undervoltage(tmp_path: Path) -> None:
    zone(tmp_path, 0, "cpu-thermal", "61342")
    firmware = tmp_path / "devices/platform/soc/soc:firmware"
    firmware.parent.mkdir(parents=True)
    firmware.mkdir()
    (firmware / "get_throttled").write_text("50005\n")
    system = SystemProbe(sys_root=tmp_path, vcgencmd=None).read()
    assert system.soc_temperature_celsius == 61.342
    assert (system.undervoltage_now, system.throttled_now) == (True, True)
    assert (system.undervoltage_occurred, system.throttled_occurred) == (True, True)


@pytest.mark.parametrize(
    ("answer", "undervoltage"), [("throttled=0x1", True), ("throttled=0x0", False), ("error", None)]
)
def test_a_kernel_that_does_not_report_is_asked_through_vcgencmd(
    tmp_path: Path, answer: str, undervoltage: bool | None
) -> None:
    command = tmp_path / "vcgencmd"
    command.write_text(f'#!/bin/sh\n[ "$1" = get_throttled ] && echo "{answer}"\n')
    command.chmod(0o755)
    assert SystemProbe(sys_root=tmp_path, vcgencmd=str(command)).read().undervoltage_now is undervoltage


@pytest.mark.parametrize(
    ("firmware", "board"),
    [
        (b"Raspberry Pi 4 Model B Rev 1.5\0", "Raspberry Pi 4 Model B Rev 1.5"),
        (b"caf\xe9\0", "caf\N{REPLACEMENT CHARACTER}"),
        (None, ""),
    ],
)
def test_the_board_is_called_what_its_firmware_calls_it(tmp_path: Path, firmware: bytes | None, board: str) -> None:
    if firmware is not None:
        (tmp_path / "device-tree").mkdir()
        (tmp_path / "device-tree/model").write_bytes(firmware)
    assert SystemProbe(proc_root=tmp_path).hardware() == board


def test_a_machine_that_reports_nothing_gives_nulls(tmp_path: Path) -> None:
    zone(tmp_path, 0, "acpitz", "20000")
    system = SystemProbe(sys_root=tmp_path, vcgencmd=None).read()
    assert system.soc_temperature_celsius is None
    assert system.undervoltage_now is None


def test_this_machine_reports_its_memory_and_load() -> None:
    system = SystemProbe().read()
    assert 1e6 < system.memory_rss_bytes < 1e11
    assert system.memory_peak_bytes >= system.memory_rss_bytes * 0.9
    assert system.load_1min >= 0
    assert system.uptime_s >= 0


def test_the_message_carries_every_counter_by_name() -> None:
    health = NodeHealth(SystemProbe().read(), 9.98765, {"vision": 3}, {"readings": 0}, {"mqtt": 1})
    payloads = Payloads(node="n", boot_id="b", model_set="baseline", clock=MediaClock())
    payload = as_json(payloads.health(health))
    assert payload["schema"] == "affectd.health/1"
    assert payload["frame_rate_hz"] == 9.99
    assert (payload["dropped"], payload["queued"], payload["restarts"]) == ({"vision": 3}, {"readings": 0}, {"mqtt": 1})
    assert b"NaN" not in encode(payload)


def test_the_rate_is_that_of_the_time_between_two_looks() -> None:
    meter = RateMeter()
    assert meter.step(100, 0) is None
    assert meter.step(150, 10_000_000_000) == 5.0
    assert meter.step(150, 20_000_000_000) == 0.0
    assert meter.step(200, 20_000_000_000) == 0.0  # no time has passed
    meter.reset()
    assert meter.step(210, 21_000_000_000) is None
    assert meter.step(220, 22_000_000_000) == 10.0
