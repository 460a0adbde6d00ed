import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from processes import heed_signals

import device  # noqa: F401 - before any OpenCV: it sets how much that says

heed_signals()

ROOT = Path(__file__).resolve().parents[1]
_SLOW_FILE = re.compile(r"^pytestmark = (\[[^\]]*)?pytest\.mark\.slow", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Whole files of slow tests are not imported where slow tests are left out: TensorFlow alone takes seconds."""
    if config.option.markexpr != "not slow" or collection_path.suffix != ".py":
        return None
    return True if _SLOW_FILE.search(collection_path.read_text(encoding="utf-8")) else None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The corpora, which no licence lets us commit: beside the project or where AFFECTD_DATA says."""
    folder = Path(os.environ.get("AFFECTD_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no corpora at {folder}; set AFFECTD_DATA to a copy of them")
    return folder


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """Small inputs that were once read wrong, beside the project or where AFFECTD_CASES says; some have no licence."""
    folder = Path(os.environ.get("AFFECTD_CASES", ROOT.parent / "shared" / "cases"))
    if not folder.is_dir():
        pytest.skip(f"no cases at {folder}; set AFFECTD_CASES to a copy of them")
    return folder


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The folders ``bin`` of the environments that the README's commands name, by those names."""
    from locked import LOCKS, environment  # needs packages that not every environment has

    folder = tmp_path_factory.mktemp("environments")
    return {name: environment(lock, folder / name) for name, lock in LOCKS.items()}


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up FER2013, to be read and not to be changed."""
    from synthetic import write_fer2013  # needs the workshop's packages, which not every environment has

    return write_fer2013(tmp_path_factory.mktemp("made up") / "fer2013")
