"""The server to be measured: a process of its own, with the settings' defaults but for the rate limit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
        """Seconds of processor that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self) -> int:
        """Memory that it holds."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def peak_bytes(self) -> int:
        """The most that it ever held."""
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.pid}/status").read_text())
        return int(found.group(1)) * 1024 if found else 0


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
