"""The real server as a process of its own, and what tests send to it."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import soundfile
from fakes import eventually
from numpy.typing import NDArray
from perception import astronaut, in_a_room, pause, spoken
from processes import started

from device.signals import SAMPLE_RATE_HZ

ROOT = Path(__file__).resolve().parents[1]
HAPPY_CLIP = ROOT / "deploy" / "demo" / "crema_d" / "1001_DFA_HAP_XX.flv"


@dataclass(frozen=True)
class Running:
    url: str
    pid: int
    log: Path

    def client(self, **options: Any) -> httpx.Client:
        # Each request on a connection of its own: an idle one may be closed just as the next request is sent.
        alone = httpx.Limits(max_keepalive_connections=0)
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False, limits=alone, **options)


def write_config(folder: Path, **tables: Mapping[str, Any]) -> Path:
    tables = {**tables, "node": {"id": "test", "state_dir": str(folder), **tables.get("node", {})}}
    lines = []
    for table, entries in tables.items():
        lines += [f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in entries.items())]
    path = folder / "affectd-server.toml"
    path.write_text("\n".join(lines))
    return path


def affectd_server(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> Any:
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "desktop_server", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **(environment or {})},
    )


@contextmanager
def serving(
    folder: Path,
    *,
    before: Sequence[str] = (),
    cwd: Path | None = None,
    python: str | Path = sys.executable,
    **tables: Mapping[str, Any],
) -> Iterator[Running]:
    """The server while it runs, on a free port. ``before``: a command that runs it; ``python``: of its environment."""
    config = write_config(folder, **tables)
    log = folder / "server.log"
    command = [*before, str(python), "-m", "desktop_server", "run", "--config", str(config), "--port", "0"]
    with log.open("wb") as file, started(command, stdout=file, stderr=file, cwd=cwd) as process:
        eventually(lambda: _url(log) is not None or process.poll() is not None, 60)
        url = _url(log)
        assert url is not None, log.read_text()
        yield Running(url, process.pid, log)


def _url(log: Path) -> str | None:
    found = re.search(r"serving at (\S+)", log.read_text())
    return found.group(1) if found else None


def jpeg(grey: NDArray[np.uint8] | None = None) -> bytes:
    return encoded(".jpg", astronaut() if grey is None else grey)


def encoded(suffix: str, grey: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(suffix, grey)[1].tobytes()


def wav(samples: NDArray[Any], *, subtype: str = "PCM_16", kind: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, SAMPLE_RATE_HZ, format=kind, subtype=subtype)
    return file.getvalue()


def speech_wav() -> bytes:
    """Two seconds of something like a voice, in a room."""
    return wav(in_a_room(pause(0.3), spoken(2.0), pause(0.7)))
