"""Other versions of the package, made from the real one."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path


def variant(package: Path, version: str, folder: Path, change: Callable[[Path], None]) -> Path:
    """The package under another version, its files (and DEBIAN/, its control files) changed in place by ``change``."""
    tree = folder / version
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True, timeout=60)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {version}", control.read_text()))
    change(tree)
    built = folder / f"affectd_{version}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", tree, built], check=True, timeout=120)
    return built


def sound(_tree: Path) -> None:
    """A good version."""


def ends_at_once(tree: Path) -> None:
    """Its service fails at every start."""
    _program(tree, "exit 1")


def is_never_ready(tree: Path) -> None:
    """Its service does not get through its start."""
    _program(tree, "exec sleep infinity")


def hangs_when_ready(tree: Path) -> None:
    """Its service says that it is ready, and then nothing more: the watchdog is not fed."""
    _program(tree, "systemd-notify --ready\nexec sleep infinity")


def refuses_the_configuration(tree: Path) -> None:
    """Its service ends with status 78, after which systemd does not try again."""
    _program(tree, "exit 78")


def cannot_be_set_up(tree: Path) -> None:
    """Its postinst fails, so its service is never started."""
    script = tree / "DEBIAN" / "postinst"
    script.write_text(script.read_text() + "\nexit 1\n")


def _program(tree: Path, body: str) -> None:
    (tree / "opt/affectd/bin/affectd").write_text(f"#!/bin/sh\n{body}\n")
