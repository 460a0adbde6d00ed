"""What the page offers to copy is a request that a shell and Python send as it stands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import chromium, opened, sync_api
from server_process import Running, affectd_server, jpeg, serving, write_config

from desktop_server.schema.analysis import AnalysisResponse

pytestmark = pytest.mark.slow
expect = sync_api.expect

NAME = 'it\'s "a", face; ä.jpg'


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("server"), fleet={"listen": False}) as started:
        yield started


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / NAME
    path.write_bytes(jpeg())
    return path


def copied(page: Any, picture: Path, words: str) -> str:
    """Where the page may not copy, it shows the request, selected."""
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })")
    page.set_input_files("#file", str(picture))
    page.get_by_role("button", name=f"Copy as {words}").click()
    expect(page.locator("#downloads [role=status]")).to_have_text("Copy it from here:")
    text: str = page.evaluate("getSelection().toString() || document.activeElement.value")
    assert text == page.get_by_label("The request").input_value()
    return text


def sent(command: list[str], folder: Path, **variables: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, env=variables or None)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_shell_sends_the_copied_command(browser: Any, server: Running, picture: Path) -> None:
    with opened(browser, server.url) as page:
        page.get_by_label("Compare").check()
        command = copied(page, picture, "curl")
    assert "explain" not in command
    answer = AnalysisResponse.model_validate_json(sent(["sh", "-c", command], picture.parent))
    assert answer.estimate.label == "happy"
    assert answer.int8 is not None


def test_python_sends_the_copied_program(browser: Any, server: Running, picture: Path) -> None:
    with opened(browser, server.url) as page:
        program = copied(page, picture, "Python")
    assert "'label': 'happy'" in sent([sys.executable, "-c", program], picture.parent)


def test_the_token_is_a_variable_of_whoever_runs_it(browser: Any, picture: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path)
    token = affectd_server("token", "create", "anna", "--config", config).stdout.split()[-1]
    with serving(tmp_path, fleet={"listen": False}) as server, opened(browser, server.url) as page:
        page.evaluate("token => sessionStorage.setItem('affectd-token', token)", token)
        for words, run in (("curl", ["sh", "-c"]), ("Python", [sys.executable, "-c"])):
            code = copied(page, picture, words)
            assert token not in code
            assert "happy" in sent([*run, code], picture.parent, AFFECTD_TOKEN=token, PATH="/usr/bin:/bin")


def test_where_the_page_may_copy_it_does(browser: Any, server: Running, picture: Path) -> None:
    with opened(browser, server.url, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.set_input_files("#file", str(picture))
        page.get_by_role("button", name="Copy as curl").click()
        expect(page.locator("#downloads [role=status]")).to_have_text("Copied.")
        assert page.evaluate("navigator.clipboard.readText()").startswith("curl -F 'picture=@")
        expect(page.get_by_label("The request")).to_be_hidden()
