"""What machines start from."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from machine import ARCH, HERE, PACKAGES, PROJECT
from processes import heed_signals

heed_signals()


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def base(request: pytest.FixtureRequest) -> Path:
    """The root of a release, with what the package needs and without it."""
    root = PROJECT / "build" / "roots" / f"{request.param}-{ARCH}-bootable"
    subprocess.run([HERE / "root.sh", root, ARCH, request.param, PACKAGES], check=True, timeout=1800)
    return root
