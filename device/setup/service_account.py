"""The installed service as systemd would run it: whose it is, and where it keeps its state."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

_UNIT = "affectd.service"
_STATE_FOLDERS = Path("/var/lib")
_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Service:
    """``user`` is a name that this machine knows."""

    user: str
    state_dir: Path

    @property
    def is_us(self) -> bool:
        """Whether this process may do what the service may, and nothing else."""
        return os.geteuid() == pwd.getpwnam(self.user).pw_uid

    def may_write(self, folder: Path) -> bool:
        """Whether the service may write there; of somebody else's rights only root can ask."""
        if self.is_us or os.geteuid() != 0:
            return os.access(folder, os.W_OK)
        account = pwd.getpwnam(self.user)
        asked = subprocess.run(
            ["test", "-w", str(folder)], user=account.pw_uid, group=account.pw_gid, extra_groups=[], check=False
        )
        return asked.returncode == 0


def installed_service() -> Service | None:
    """What systemd says of the unit; ``None`` where there is none, or no systemd to ask."""
    wanted = "--property=LoadState,User,StateDirectory"
    try:
        answer = subprocess.run(
            ["systemctl", "show", wanted, _UNIT], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        ).stdout
        properties = dict(line.split("=", 1) for line in answer.splitlines() if "=" in line)
        user = properties.get("User") or "root"
        pwd.getpwnam(user)
    except (OSError, subprocess.SubprocessError, KeyError):
        return None
    if properties.get("LoadState") != "loaded" or not properties.get("StateDirectory"):
        return None
    return Service(user, _STATE_FOLDERS / properties["StateDirectory"].split()[0])
