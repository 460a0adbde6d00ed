import os
from pathlib import Path

import pytest

import device  # noqa: F401 - before any OpenCV: it sets how much that says

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The corpora, which no licence lets us commit: beside the project or where AFFECTD_DATA says."""
    folder = Path(os.environ.get("AFFECTD_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no corpora at {folder}; set AFFECTD_DATA to a copy of them")
    return folder
