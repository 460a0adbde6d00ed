"""The server under measurement: a process of its own, with the settings' defaults but for the rate limit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from device.errors import AffectdError

START_S = 60.0
_NO_RATE_LIMIT = "[server]\nrate_hz = 1e6\nburst = 4096\n"


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """Where it listens, and which process it is."""

    host: str
    port: int
    pid: int

    def cpu_s(self) -> float:
        """Seconds of processor that it and its decoders have used."""
        return sum(_cpu_s(pid) for pid in family(self.pid))

    def resident_bytes(self) -> int:
        """Memory that it and its decoders hold, what they share counted once."""
        return sum(proportional_bytes(pid) for pid in family(self.pid))


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found, parents = [pid], {pid}
    children = {int(stat.parent.name): _parent(stat) for stat in Path("/proc").glob("[0-9]*/stat")}
    while parents:
        parents = {child for child, parent in children.items() if parent in parents}
        found += parents
    return found


def proportional_bytes(pid: int) -> int:
    """Memory, shared pages counted in parts; nothing of a process that has ended."""
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
    return 0


def _parent(stat: Path) -> int:
    with suppress(OSError):
        return int(stat.read_text().rpartition(")")[2].split()[1])
    return 0


def _cpu_s(pid: int) -> float:
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


@contextmanager
def local_server(extra: str = "") -> Iterator[ServerProcess]:
    """The server while it runs. ``extra``: more of its configuration. Raises ``AffectdError`` if it does not start."""
    with tempfile.TemporaryDirectory(prefix="affectd-bench-") as folder:
        config, log = Path(folder) / "server.toml", Path(folder) / "log"
        config.write_text(f'[node]\nstate_dir = "{folder}"\n{_NO_RATE_LIMIT}{extra}')
        command = [sys.executable, "-m", "desktop_server", "run", "--port", "0", "--config", str(config)]
        with log.open("wb") as file:
            process = subprocess.Popen(command, stdout=file, stderr=file)
        try:
            host, port = _address(process, log)
            yield ServerProcess(host, port, process.pid)
        finally:
            process.terminate()
            process.wait(30)


def _address(process: subprocess.Popen[bytes], log: Path) -> tuple[str, int]:
    end_s = time.monotonic() + START_S
    while time.monotonic() < end_s and process.poll() is None:
        if found := re.search(r"serving at http://([\d.]+):(\d+)", log.read_text()):
            return found.group(1), int(found.group(2))
        time.sleep(0.02)
    raise AffectdError(f"the server does not start: {log.read_text()[-500:]}")
