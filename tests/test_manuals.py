"""Manual pages and completions are of the commands as they are, and work in the programs that read them."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

MANUALS = Path(__file__).parents[1] / "deploy" / "manuals"


@pytest.fixture(scope="module")
def writer() -> Any:
    spec = importlib.util.spec_from_file_location("write_manuals", MANUALS / "write.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="argparse words its help otherwise in each Python")
def test_they_are_of_the_commands_as_they_are(writer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")  # whatever the terminal of whoever writes them
    assert {name: (MANUALS / name).read_text() for name in writer.texts()} == writer.texts(), "run `make manuals`"


@pytest.mark.parametrize("command", ["affectd", "affectd-server"])
def test_a_manual_page_is_set_without_a_warning(command: str) -> None:
    if shutil.which("groff") is None:
        pytest.skip("no groff here; install groff-base")
    page = MANUALS / f"{command}.1"
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", page], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["affectd", "re"], ["replay"]),
        (["affectd", "models", "ro"], ["rollback"]),
        (["affectd", "replay", "--fusion", "pro"], ["product"]),
        (["affectd", "replay", "--mo"], ["--model-set", "--mode", "--models-dir"]),
        (["affectd-server", "comp"], ["compare"]),
    ],
)
def test_bash_completes_what_was_typed(typed: list[str], offered: list[str]) -> None:
    command = typed[0]
    script = f"""
        source {MANUALS / command}.bash
        COMP_WORDS=({" ".join(typed)}) COMP_CWORD={len(typed) - 1}
        function_name=$(complete -p {command} | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        "$function_name" {command} {typed[-1]}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert sorted(done.stdout.split()) == sorted(offered), done.stderr
