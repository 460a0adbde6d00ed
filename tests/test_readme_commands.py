"""The README's commands work in the environments that the README makes, each of its lock's packages and no other."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from locked import LOCKS, in_it
from processes import run
from server_process import HAPPY_CLIP, ROOT, jpeg, serving, wav

README = (ROOT / "README.md").read_text(encoding="utf-8")
FILM, FACE = "film.mp4", "face.jpg"
PROVEN_ELSEWHERE = {
    "make deb": "deploy/debian",
    "sudo apt install ./affectd_0.1.0_arm64.deb": "deploy/debian",
    "sudo affectd setup": "deploy/debian",
    "sudo systemctl restart affectd": "deploy/debian",
    "sudo affectd doctor": "deploy/debian",
    ".venv-server/bin/affectd-server node --config affectd.toml": "tests/test_server_replay.py",
    ".venv-server/bin/affectd-server compare film.mp4 --out comparison": "tests/test_comparison.py",
    ".venv-server/bin/affectd-server compare --dataset fer2013 --root DATA": "tests/test_comparison.py",
}
"""What needs a Pi's installation, a broker, corpora, or a while (test_comparison.py works in this environment, too)."""
IMPORTED_THERE = "desktop_server.app, desktop_server.comparison.corpus, quantize.datasets"


def commands() -> list[str]:
    """Every line of a block without a language, without what is said about it."""
    blocks = re.findall(r"^```\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [re.split(r"\s+#", line)[0] for block in blocks for line in block.splitlines() if line.strip()]


def of(start: str) -> list[str]:
    return [command for command in commands() if command.startswith(start) and command not in PROVEN_ELSEWHERE]


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    shutil.copy(HAPPY_CLIP, folder / FILM)
    (folder / FACE).write_bytes(jpeg())
    (folder / "voice.flac").write_bytes(wav(np.zeros(16_000), kind="FLAC"))
    return folder


def test_every_command_of_the_readme_is_tried() -> None:
    starts = ("make ", "curl ", *(f"{name}/bin/" for name in LOCKS))
    unknown = [one for one in commands() if not one.startswith(starts) and one not in PROVEN_ELSEWHERE]
    assert unknown == []
    assert set(PROVEN_ELSEWHERE) <= set(commands())
    assert [place for place in set(PROVEN_ELSEWHERE.values()) if not (ROOT / place).exists()] == []
    assert all(of(start) for start in starts)


def test_make_knows_what_it_is_told() -> None:
    targets = [command.split()[1] for command in of("make ")]
    assert run(["make", "--dry-run", *targets], cwd=ROOT).returncode == 0


@pytest.mark.parametrize("command", [*of(".venv-demo/"), *of(".venv-server/")])
def test_a_command_works_in_the_environment_that_it_names(
    environments: Mapping[str, Path], media: Path, tmp_path: Path, command: str
) -> None:
    name, _, program = command.partition("/bin/")
    bin_folder = environments[name]
    words = f"{bin_folder}/{program}".split()
    done = run(words, cwd=media, env=in_it(bin_folder, STATE_DIRECTORY=str(tmp_path), HOME=str(tmp_path)))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_readmes_curl_is_answered_by_a_server_of_its_environment(
    environments: Mapping[str, Path], media: Path, tmp_path: Path
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed; run: apt-get install curl")
    with serving(tmp_path, python=environments[".venv-server"] / "python") as server:
        for command in of("curl "):
            words = [word.strip("'") for word in command.replace("http://127.0.0.1:8384", server.url).split()]
            said = run([words[0], "--silent", "--show-error", "--fail", *words[1:]], cwd=media)
            assert said.returncode == 0, said.stderr
            assert '"estimate"' in said.stdout


def test_the_server_s_environment_has_what_its_other_commands_import(environments: Mapping[str, Path]) -> None:
    bin_folder = environments[".venv-server"]
    done = run([bin_folder / "python", "-c", f"import {IMPORTED_THERE}"], env=in_it(bin_folder))
    assert done.returncode == 0, done.stderr
