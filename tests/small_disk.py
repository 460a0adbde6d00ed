"""A disk that gets full or can only be read: a real file system of a few pages, in a mount namespace of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest


def on_small_disk(folder: Path, command: Sequence[str | Path], *, size_kb: int = 256) -> list[str]:
    """The command with an empty file system of its own in ``folder``; its process keeps its number."""
    if not _may_mount():
        pytest.skip("no mount namespace for this user here (unshare --map-root-user --mount)")
    folder.mkdir(exist_ok=True)
    script = f'mount -t tmpfs -o size={size_kb}k none "$1" && shift && exec "$@"'
    return [*_NAMESPACE, "sh", "-c", script, "sh", str(folder), *map(str, command)]


def run_on_small_disk(folder: Path, script: str, *, size_kb: int = 256) -> str:
    """What a Python script prints that runs with its own small disk in ``folder``, which is its first argument."""
    command = on_small_disk(folder, [sys.executable, "-c", script, folder], size_kb=size_kb)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def seen_from_outside(pid: int, folder: Path) -> Path:
    """The folder as the process sees it."""
    return Path(f"/proc/{pid}/root{folder.resolve()}")


def fill(folder: Path) -> None:
    """Leave no room for another page."""
    with (folder / "filling").open("ab", buffering=0) as file, suppress(OSError):
        while os.statvfs(folder).f_bavail:
            file.write(bytes(4096))


_NAMESPACE = ["unshare", "--map-root-user", "--mount"]


@cache
def _may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    trial = [*_NAMESPACE, "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(trial, capture_output=True, timeout=20).returncode == 0
