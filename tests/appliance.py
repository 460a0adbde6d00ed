"""The real appliance as a process of its own, for tests that look at it from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from broker import HOST, Mosquitto
from processes import run, started

ROOT = Path(__file__).resolve().parents[1]
SCENE = ROOT / "deploy" / "demo" / "crema_d"
HAPPY_CLIP = SCENE / "1001_DFA_HAP_XX.flv"


def write_config(folder: Path, **tables: Mapping[str, Any]) -> Path:
    """A configuration in this folder, with the folder for state."""
    tables = {**tables, "node": {"id": "test", "state_dir": str(folder), **tables.get("node", {})}}
    lines = []
    for table, entries in tables.items():
        lines += [f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in entries.items())]
    path = folder / "affectd.toml"
    path.write_text("\n".join(lines))
    return path


def looping(folder: Path, broker: Mosquitto, **tables: Mapping[str, Any]) -> Path:
    """A configuration that plays the happy clip again and again, at this broker."""
    mqtt = {"host": HOST, "port": broker.port, "health_s": 1, "heartbeat_s": 1, **tables.pop("mqtt", {})}
    return write_config(folder, replay={"media": [str(HAPPY_CLIP)], "loop": True}, mqtt=mqtt, **tables)


def affectd(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return run([sys.executable, "-m", "device", *arguments], env={**os.environ, **(environment or {})})


@contextmanager
def running(
    config: Path,
    environment: Mapping[str, str] | None = None,
    within: Callable[[list[str]], list[str]] = list,
) -> Iterator[subprocess.Popen[str]]:
    """The appliance while it runs; it is told to end at the end. ``within`` makes its command another one."""
    command = within([sys.executable, "-m", "device", "run", "--config", str(config)])
    env = {**os.environ, **(environment or {})}
    with started(command, stderr=subprocess.PIPE, text=True, env=env) as process:
        yield process
