"""What machines start from."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from installed import CONFIG, configure, trial_is_over
from machine import ARCH, HERE, PACKAGES, PROJECT, SAMPLE, Machine, booted, eventually
from processes import heed_signals

heed_signals()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests of one release stay together: they share the machine that they start from."""
    for item in items:
        release = (
            item.callspec.params.get("base", "")
            if isinstance(item, pytest.Function) and hasattr(item, "callspec")
            else ""
        )
        item.add_marker(pytest.mark.xdist_group(f"{item.path.stem}-{release}"))


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def base(request: pytest.FixtureRequest) -> Path:
    """The root of a release, with what the package needs and without it."""
    root = PROJECT / "build" / "roots" / f"{request.param}-{ARCH}-bootable"
    subprocess.run([HERE / "root.sh", root, ARCH, request.param, PACKAGES], check=True, timeout=1800)
    return root


@pytest.fixture(scope="session")
def package() -> Path:
    """The newest one in dist/."""
    found = sorted((PROJECT / "dist").glob(f"affectd_*_{ARCH}.deb"), key=lambda path: path.stat().st_mtime)
    assert found, "no package in dist/; run: make deb"
    return found[-1]


@pytest.fixture(scope="module")
def installed(base: Path, package: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The disk of a machine where affectd was installed and plays a film to a broker."""
    folder = tmp_path_factory.mktemp("installed")
    with booted(str(base), folder / "machine") as machine:
        machine.install(package)
        machine.put("srv/sample.flv", SAMPLE.read_bytes())
        configure(machine, CONFIG)
        eventually(lambda: trial_is_over(machine))
    return f"{folder}/machine/upper:{base}"


@pytest.fixture
def bare(base: Path, tmp_path: Path) -> Iterator[Machine]:
    """A machine without affectd."""
    with booted(str(base), tmp_path / "machine") as machine:
        yield machine


@pytest.fixture
def machine(installed: str, tmp_path: Path) -> Iterator[Machine]:
    """A machine where affectd runs."""
    with booted(installed, tmp_path / "machine") as machine:
        eventually(lambda: machine.tells("ActiveState") == "active")
        yield machine
