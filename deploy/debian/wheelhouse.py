"""The locked packages of the desktop server in a folder, for a machine without a network and with another Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"
LOCKS = ("build.txt", "server.txt")
SOURCES = ("python-speech-features",)
"""Locked as source alone: nobody publishes a wheel."""
# Debian 12's C library is 2.36.
PLATFORMS = ["manylinux2014_x86_64", *(f"manylinux_2_{minor}_x86_64" for minor in range(17, 37))]


def fill(folder: Path, python: str) -> None:
    """Download what is not there yet; ``python`` is the other machine's, as in ``3.13``."""
    folder.mkdir(parents=True, exist_ok=True)
    platform = [f"--platform={name}" for name in PLATFORMS]
    _download(folder, python, ["--only-binary=:all:", f"--python-version={python}", *platform], sources=False)
    _download(folder, python, ["--no-build-isolation"], sources=True)


def _download(folder: Path, python: str, options: list[str], *, sources: bool) -> None:
    # pip asks the markers of the Python that it runs in, so they are answered here.
    wanted = folder / ("sources.txt" if sources else "wheels.txt")
    lines = [entry for lock in LOCKS for entry in _entries(lock, python)]
    wanted.write_text("\n".join(sorted({line for line in lines if line.startswith(SOURCES) == sources})))
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--quiet", "--no-deps", "--require-hashes"]
    subprocess.run([*pip, *options, "--dest", folder, "--requirement", wanted], check=True, timeout=1800)


def _entries(lock: str, python: str) -> list[str]:
    """A lock's entries that this Python wants, without their markers, a line each."""
    answers = {"python_version": python, "python_full_version": f"{python}.0"}
    text = (REQUIREMENTS / lock).read_text().replace("\\\n", "")
    entries = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            wanted, hashes, rest = line.partition("--hash")
            requirement = Requirement(wanted)
            if requirement.marker is None or requirement.marker.evaluate(answers):
                entries.append(f"{requirement.name}{requirement.specifier} {hashes}{rest}")
    return entries
