"""A booted Debian in a container: real systemd, apt and mosquitto, and no network. Each is thrown away after use."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import fakes
from processes import started

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
ARCH = subprocess.run(
    ["dpkg", "--print-architecture"], capture_output=True, text=True, check=True, timeout=120
).stdout.strip()
SAMPLE = PROJECT / "deploy" / "demo" / "crema_d" / "1001_DFA_HAP_XX.flv"
# Each question to a machine costs it and this one several processes.
eventually = partial(fakes.eventually, deadline_s=900, pause_s=0.5)
# What the package asks for, a broker, and what the tests call.
PACKAGES = (
    "adduser,ca-certificates,curl,dbus,dpkg-repack,iproute2,libportaudio2,minisign,mosquitto,mosquitto-clients,python3,"
    "python3-av,python3-numpy,python3-opencv,python3-systemd,python3-venv,sudo,systemd,systemd-sysv"
)
# systemd's IPAddressAllow= needs bpf(), and libgcrypt mlock(), which systemd-nspawn otherwise keeps from what it runs.
NSPAWN = [
    "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--console=pipe", "--boot",
    "--system-call-filter=bpf", "--capability=CAP_BPF,CAP_PERFMON,CAP_NET_ADMIN,CAP_IPC_LOCK",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Machine:
    """One that runs. ``root`` is its root as seen from outside, ``leader`` the number of its process 1 there."""

    root: Path
    leader: int

    def run(self, command: str, *, check: bool = True) -> str:
        """What a shell command prints, errors and all. An exit status that is not 0 raises, unless ``check`` is off."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.leader), "--all", "sh", "-c", command],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            timeout=1800,
        )  # fmt: skip
        if check and done.returncode:
            raise AssertionError(f"{command}\n{done.stdout}\nexit status {done.returncode}")
        return done.stdout.strip()

    def install(self, package: Path) -> str:
        """By apt, as a user would."""
        self.put(f"srv/{package.name}", package.read_bytes())
        options = "--yes --quiet --allow-downgrades --no-install-recommends"
        return self.run(f"apt-get install {options} /srv/{package.name}")

    def put(self, path: str, content: bytes | str) -> None:
        """Write a file; ``path`` is without the first slash."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)

    def tells(self, what: str, unit: str = "affectd.service") -> str:
        """One property of a unit."""
        return self.run(f"systemctl show --property={what} --value {unit}")

    def version(self) -> str:
        """Of the package, if it is wholly installed."""
        status, _, version = self.run(
            "dpkg-query --showformat='${db:Status-Abbrev}|${Version}' --show affectd"
        ).partition("|")
        return version if status.strip() == "ii" else f"{version} ({status})"

    def has_started(self) -> bool:
        """Whether systemd has no more to start, well or not."""
        state = self.run("systemctl is-system-running", check=False).splitlines()
        return state[-1:] in (["running"], ["degraded"])

    def journal(self, unit: str = "affectd.service") -> str:
        """What a unit said so far."""
        return self.run(f"journalctl --no-pager --unit={unit}")


@contextmanager
def booted(disk: str, folder: Path, *options: str, state: str = "running") -> Iterator[Machine]:
    """A machine whose disk starts as ``disk``, folders parted by colons; what it changes lies in ``folder``/upper.

    ``options`` are more of systemd-nspawn's, such as a network; ``state`` is what systemd calls the machine once it has
    started: ``degraded`` if a unit is meant to fail.
    """
    with _root(disk, folder) as root, (folder / "console").open("wb") as console:
        env = {**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        streams = {"stdin": subprocess.DEVNULL, "stdout": console, "stderr": console}
        with started([*NSPAWN, *options, f"--directory={root}"], env=env, start_new_session=True, **streams) as process:
            try:
                eventually(lambda: bool(inits(process)))
                machine = Machine(root, inits(process)[0])
                eventually(lambda: machine.has_started() or process.poll() is not None)
                found = machine.run("systemctl is-system-running", check=False)
                assert found == state, machine.run("systemctl --failed; systemctl list-jobs", check=False)
                yield machine
            finally:
                power_off(process)


@contextmanager
def _root(disk: str, folder: Path) -> Iterator[Path]:
    upper, work, root = (folder / name for name in ("upper", "work", "root"))
    for each in (upper, work):
        each.mkdir(parents=True)
    with mounted(root, ["-t", "overlay", "overlay", "-o", f"lowerdir={disk},upperdir={upper},workdir={work}"]):
        make_ready(root)
        yield root


@contextmanager
def mounted(place: Path, what: list[str | Path]) -> Iterator[None]:
    """Mounted in a folder, which is made if it is not there."""
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", *what, place], check=True, timeout=120)
    try:
        yield
    finally:
        subprocess.run(["umount", place], check=True, timeout=120)


def make_ready(root: Path) -> None:
    """There is no network to wait for."""
    waits = root / "etc/systemd/system/systemd-networkd-wait-online.service"
    waits.unlink(missing_ok=True)
    waits.symlink_to("/dev/null")


def inits(container: subprocess.Popen[bytes]) -> list[int]:
    """The container's process 1, once it is there: before, its place is held by processes that prepare it."""
    children = Path(f"/proc/{container.pid}/task/{container.pid}/children").read_text().split()
    return [int(child) for child in children if Path(f"/proc/{child}/comm").read_text() == "systemd\n"]


def power_off(container: subprocess.Popen[bytes]) -> None:
    """In order."""
    for init in inits(container):
        os.kill(init, signal.SIGRTMIN + 4)  # systemd: power off
    try:
        container.wait(60)
    except subprocess.TimeoutExpired:
        container.kill()
        container.wait(10)
        raise
