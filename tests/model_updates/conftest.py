"""Model sets that are packed and signed, and a place to install them."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packed_sets import Owner, edited, make_owner, packed, repacked


@pytest.fixture(scope="session")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Owner:
    return make_owner(tmp_path_factory.mktemp("owner"))


@pytest.fixture(scope="session")
def baseline(owner: Owner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed("baseline", owner, tmp_path_factory.mktemp("baseline"))


@pytest.fixture(scope="session")
def affectd_1(owner: Owner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed("affectd-1", owner, tmp_path_factory.mktemp("affectd-1"))


@pytest.fixture(scope="session")
def sibling(affectd_1: Path, owner: Owner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same nets by another name: unlike the baseline's they are quick on any machine."""
    entry = {"face": "affectd-1-face", "speech": "affectd-1-speech", "rule": "average"}
    renamed = edited("sets.json", sets={"sibling": entry}, default="sibling")
    return repacked(affectd_1, tmp_path_factory.mktemp("sibling"), renamed, owner)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In memory where that can be: hundreds of installs wait for the disk at each file."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="affectd-", dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "installed"
