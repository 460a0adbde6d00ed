"""That no test can wait for ever: what is started is ended, and every wait has an end.

Wherever tests wait, something may not come: a child that ignores a signal, a server that hangs, a pipe that is never
closed. Then a run of all tests would stand still, in the background unseen.
"""

import ast
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from processes import line, run, started

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("tests", "deploy/debian", "deploy/ansible", "deploy/picamera2")
ENDLESS = {"acquire", "communicate", "join", "result", "wait", "wait_for_publish"}
"""Calls that wait until something happens, if no time is given."""
RUN = {"subprocess.run", "subprocess.check_call", "subprocess.check_output"}
STARTED_ELSEWHERE = {"subprocess.Popen": "processes.started", "process.stdout.readline": "processes.line"}


def endless_waits(source: str) -> Iterator[str]:
    """Each call that may wait for ever, with its line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and (fault := _fault(node)):
            yield f"line {node.lineno}: {ast.unparse(node.func)}{fault}"


def _fault(call: ast.Call) -> str | None:
    name = ast.unparse(call.func)
    named = {keyword.arg for keyword in call.keywords}
    if name in STARTED_ELSEWHERE:
        return f" starts or reads without an end; use {STARTED_ELSEWHERE[name]}"
    if name in RUN and not named & {"timeout", None}:
        return " has no timeout"
    waits = isinstance(call.func, ast.Attribute) and call.func.attr in ENDLESS
    return " has no timeout" if waits and not call.args and "timeout" not in named else None


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_wait_is_without_an_end(folder: str) -> None:
    sources = [path for path in (ROOT / folder).glob("*.py") if path.name != "processes.py"]
    assert [
        f"{path.name}, {wait}" for path in sources for wait in endless_waits(path.read_text(encoding="utf-8"))
    ] == []


@pytest.mark.parametrize(
    "wait",
    [
        "subprocess.run(['true'], check=True)",
        "with subprocess.Popen(['true']) as process: pass",
        "process.wait()",
        "process.communicate()",
        "thread.join()",
        "asked.result()",
        "process.stdout.readline()",
    ],
)
def test_a_wait_without_an_end_is_found(wait: str) -> None:
    assert len(list(endless_waits(wait))) == 1


@pytest.mark.parametrize("wait", ["subprocess.run(['true'], timeout=9)", "process.wait(9)", "', '.join(names)"])
def test_a_wait_with_an_end_is_none(wait: str) -> None:
    assert list(endless_waits(wait)) == []


def test_whatever_else_hangs_ends_with_the_lines_where_it_hung() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    assert options["faulthandler_exit_on_timeout"] is True
    assert 60 < options["faulthandler_timeout"] <= 3600


def test_a_child_that_receives_nothing_is_killed_and_the_test_fails() -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True)\nwhile True: signal.pause()"
    kept = ExitStack()
    process = kept.enter_context(
        started([sys.executable, "-c", deaf], patience_s=0.5, stdout=subprocess.PIPE, text=True)
    )
    assert line(process) == "\n"
    with pytest.raises(subprocess.TimeoutExpired):
        kept.close()
    assert process.returncode == -signal.SIGKILL


def test_what_a_run_in_the_background_starts_still_heeds_ctrl_c() -> None:
    heeds = "from processes import heed_signals, run; import sys; heed_signals(); print(run(sys.argv[1:]).stdout)"
    asks = "import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    asked = [sys.executable, "-c", heeds, sys.executable, "-c", asks]
    done = run(
        ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", *asked], env={**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    )
    assert done.stdout.strip() == "False", done.stderr
