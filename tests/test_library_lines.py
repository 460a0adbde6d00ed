"""What libraries write to standard error by themselves is told once."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from appliance import running, write_config
from fakes import eventually
from virtual_hardware import has_pulseaudio, virtual_microphone

pytestmark = pytest.mark.slow

SCRIPT = """
import logging, os, sys
from device.process.library_lines import library_lines_once
with library_lines_once():
    logging.basicConfig(level="INFO", format="%(name)s: %(message)s")
    for attempt in range(5):
        os.write(2, f"ALSA lib pcm.c:2664 Unknown PCM, attempt {attempt}\\n".encode())
        os.write(2, b"libpng error: IDAT: CRC error\\n\\n")
        os.write(2, "Rückfall\\xff\\n".encode("latin-1"))
        logging.info("our own")
    print("a traceback would stand here", file=sys.stderr)
    {more}
print("after", file=sys.stderr)
os.write(2, b"after, by a library\\n")
"""


def said(more: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("{more}", more)], capture_output=True, text=True, timeout=60
    )


def test_a_line_that_differs_in_numbers_alone_is_reported_once_and_ours_each_time() -> None:
    lines = said().stderr.splitlines()
    assert [line for line in lines if "ALSA" in line] == ["libraries: ALSA lib pcm.c:2664 Unknown PCM, attempt 0"]
    assert sum("CRC error" in line for line in lines) == 1
    assert sum("ckfall" in line for line in lines) == 1
    assert lines.count("root: our own") == 5
    assert "a traceback would stand here" in lines
    assert lines[-2:] == ["after", "after, by a library"]


def test_a_crash_in_a_library_states_where_it_was() -> None:
    done = said("import ctypes; ctypes.string_at(0)")
    assert done.returncode == -signal.SIGSEGV
    assert "Segmentation fault" in done.stderr
    assert "string_at" in done.stderr


def test_an_error_that_nobody_expected_is_seen_whole() -> None:
    done = said("raise ZeroDivisionError('a bug')")
    assert done.returncode == 1
    assert "ZeroDivisionError: a bug" in done.stderr
    assert done.stderr.count("Unknown PCM") == 1


def test_a_microphone_that_is_tried_again_and_again_fills_no_journal(tmp_path: Path) -> None:
    if not has_pulseaudio():
        pytest.skip("no virtual microphone: apt install pulseaudio pulseaudio-utils libasound2-plugins")
    config = write_config(
        tmp_path,
        node={"mode": "speech", "purpose": "research"},
        microphone={"name": "affectd_mic"},
        mqtt={"port": 1, "health_s": 1},
        log={"level": "debug"},
    )
    with virtual_microphone(tmp_path) as hardware, running(config, hardware.environment) as process:
        assert process.stderr is not None
        lines: list[str] = []
        unplugged = False
        while sum("microphone offline" in line for line in lines) < 2 or not unplugged:
            lines.append(process.stderr.readline())
            if not unplugged and "microphone online" in lines[-1]:
                hardware.unplug()
                unplugged = True
        eventually(lambda: process.poll() is None)
    alsa = [line.partition("ALSA lib")[2] for line in lines if "ALSA lib" in line]
    assert len(alsa) == len(set(alsa))
