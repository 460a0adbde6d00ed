"""Each command of /docs works as it stands against a server at its default address (here: at the test's)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from server_process import HAPPY_CLIP, Running, jpeg, serving, speech_wav

from desktop_server.http.request_examples import BASE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    # Without a fleet its events end at once: else curl would wait for more.
    with serving(tmp_path_factory.mktemp("docs"), fleet={"listen": False}) as it:
        yield it


def commands(page: str) -> list[str]:
    codes = map(unescape, re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", page, flags=re.DOTALL))
    return [code for code in codes if "curl " in code]


def test_every_command_of_the_page_succeeds(server: Running, tmp_path: Path) -> None:
    (tmp_path / "face.jpg").write_bytes(jpeg())
    (tmp_path / "voice.wav").write_bytes(speech_wav())
    (tmp_path / "film.mp4").write_bytes(HAPPY_CLIP.read_bytes())
    with server.client() as client:
        document, shown = client.get("/openapi.json").json(), commands(client.get("/docs").text)
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(shown) == len(operations) - 1  # the stream is no matter of curl
    for command in shown:
        local = command.replace(BASE, server.url).replace("curl ", "curl --fail --silent --show-error ")
        ended = subprocess.run(["bash", "-c", local], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert (ended.returncode, ended.stderr) == (0, ""), command


def test_a_parameter_shows_its_values_and_not_the_name_of_their_list(server: Running) -> None:
    with server.client() as client:
        shown = client.get("/docs").text
    assert "schema-Turn" not in shown
    assert "<code>0</code>, <code>90</code>, <code>180</code>, <code>270</code>" in shown


def test_the_commands_name_models_that_are_served(tmp_path: Path) -> None:
    with serving(tmp_path, models={"set": "baseline"}, fleet={"listen": False}) as server, server.client() as client:
        lines = commands(client.get("/docs").text)
    named = [line for line in lines if "/v2/models/" in line]
    assert len(named) == 6
    assert all("/v2/models/baseline-" in line for line in named)
