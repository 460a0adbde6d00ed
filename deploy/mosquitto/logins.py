"""Users and their passwords: hashed for mosquitto, and once in clear for whom they are handed to."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from certificates import BrokerError

sys.path.append(str(Path(__file__).resolve().parents[2]))  # of device.files, which needs Python's own library alone
from device.files import replace_durably

PEOPLE = ("house", "server")
"""Users that are no nodes; the access list says what they may."""


@dataclass(frozen=True, slots=True)
class HandOut:
    """Where each user finds what it needs, and what that is: the authority's certificate and the broker's address."""

    folder: Path
    ca_crt: Path
    host: str
    port: int

    def write(self, name: str, password: str) -> None:
        """One user's folder."""
        own = self.folder / name
        own.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.ca_crt, own / "ca.crt")
        write_beside(own / "mqtt-password", password + "\n")
        write_beside(own / "affectd.toml", self._settings(name))

    def _settings(self, name: str) -> str:
        node = "" if name in PEOPLE else f'[node]\nid = "{name}"\n\n'
        return f"""{node}[mqtt]
host = "{self.host}"
port = {self.port}
tls = true
ca_file = "/etc/affectd/ca.crt"
username = "{name}"
# The password is /etc/credstore/affectd.mqtt-password, which only root can read.
"""


def ensure_logins(passwords: Path, names: Sequence[str], hand_out: HandOut) -> list[str]:
    """Give a password to each name that is not in the file; those names. Raises ``BrokerError``.

    What is handed out is written first: who is in the file is never asked again, so nobody gets in without knowing how.
    """
    old = passwords.read_text(encoding="utf-8") if passwords.is_file() else ""
    have = {line.partition(":")[0] for line in old.splitlines()}
    new = {name: secrets.token_urlsafe(24) for name in names if name not in have}
    if new:
        hashed = _hashed(new)
        for name, password in new.items():
            hand_out.write(name, password)
        write_beside(passwords, old + hashed)
    return list(new)


def _hashed(users: Mapping[str, str]) -> str:
    """Lines of a password file. By way of a file of our own: everybody can read the arguments of a process."""
    tool = shutil.which("mosquitto_passwd")
    if tool is None:
        raise BrokerError("mosquitto_passwd is not installed; run: apt install mosquitto")
    with tempfile.TemporaryDirectory(prefix="affectd-") as folder:
        path = Path(folder) / "passwords"
        path.write_text("".join(f"{name}:{password}\n" for name, password in users.items()), encoding="ascii")
        done = subprocess.run([tool, "-U", str(path)], capture_output=True, text=True, check=False)
        lines = path.read_text(encoding="ascii")
    if done.returncode or lines.count(":$") != len(users):
        raise BrokerError(f"mosquitto_passwd could not hash the passwords ({done.stderr.strip()}); is it version 2?")
    return lines


def write_beside(path: Path, text: str) -> None:
    """Whoever looks meanwhile, or after a power cut, sees the old file or the new one, never a half."""
    replace_durably(path, text.encode("utf-8"))
