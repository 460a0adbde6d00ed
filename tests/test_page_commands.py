"""The commands of README.md and of docs/ work in the environments that they name, each of its lock's packages only."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from locked import LOCKS, in_it
from processes import run
from server_process import HAPPY_CLIP, ROOT, jpeg, serving, wav

pytestmark = pytest.mark.slow

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FILM, FACE = "film.mp4", "face.jpg"
LOCAL = "http://127.0.0.1:8384"
NOT_RUN = {
    "deploy/debian runs the package's own in booted machines": [
        "sudo apt install --no-install-recommends ./affectd_0.1.0_arm64.deb",
        "sudo affectd setup",
        "sudo systemctl restart affectd",
        "sudo affectd doctor",
    ],
    "deploy/debian/test_server_booted.py runs all of docs/server.md in a booted machine": ["docs/server.md"],
    "tests/test_apt_repository.py publishes and reads a repository; the rest of docs/updates.md is root's": [
        "docs/updates.md"
    ],
    "tests/model_updates packs, signs and installs a set; the commands need a node's root": ["docs/model-updates.md"],
    "root, Ray or Triton: tests/test_bridge.py, tests/test_scale_out.py": ["docs/scaling.md"],
    "tests/test_read.py": [".venv-server/bin/affectd-server read pictures --csv table.csv"],
    "tests/test_wiring.py": [".venv-server/bin/affectd-server node --config affectd.toml"],
    "tests/test_comparison.py, which takes a while": [
        ".venv-server/bin/affectd-server compare film.mp4 --out comparison",
        ".venv-server/bin/affectd-server compare --dataset fer2013 --root DATA",
    ],
    "a node at a broker that runs on: tests/test_watch.py, tests/test_examples.py": [
        "affectd watch",
        "affectd watch --host broker.lan",
        "mosquitto_sub -h broker.lan -v -t 'affectd/#'",
        "python examples/react_to_emotion.py broker.lan living-room",
    ],
    "a corpus and hours: the tests of quantize/ run each on a made-up one": [
        ".venv-test/bin/python -m quantize train baseline-face --root DATA",
        ".venv-test/bin/python -m quantize convert baseline-face --root DATA --out my-models",
        ".venv-test/bin/python -m quantize evaluate --model my-models/baseline-face.tflite "
        "--dataset fer2013 --root DATA",
        ".venv-test/bin/python -m quantize evaluate --model models_tflite/affectd-1-face.tflite --dataset folder "
        "--root PICTURES",
    ],
    "tests/test_own.py runs this walk on pictures that it makes": [
        ".venv-test/bin/python -m quantize train --dataset folder --root PICTURES "
        "--architecture baseline-face --id mine",
        ".venv-test/bin/python -m quantize convert mine --root PICTURES",
        ".venv-test/bin/python -m quantize evaluate --model runs/mine/mine.tflite --dataset folder --root PICTURES",
        ".venv-test/bin/affectd models add runs/mine/mine.tflite --dir my-set",
        ".venv-test/bin/affectd replay deploy/demo/crema_d/1001_DFA_HAP_XX.flv --models-dir my-set",
    ],
    "deploy/docs/test_lesson.py runs the notebook itself; JupyterLab is a program to look at it": [
        ".venv-docs/bin/python -m pip install jupyterlab",
        ".venv-docs/bin/jupyter lab examples/lesson_fusion.ipynb",
    ],
    "the machine's own devices: tests/test_camera_v4l2.py, tests/test_microphone.py": ["affectd devices"],
}
"""Commands, or whole pages, that need root, hardware, a corpus or a while, by who tries them or what they need."""
IMPORTED_THERE = "desktop_server.app, desktop_server.comparison.corpus, quantize.datasets"
OURS = {"affectd": "device", "affectd-server": "desktop_server", "quantize": "quantize"}


def commands() -> dict[str, str]:
    """Every command of a block of ``sh`` or ``console``, without what is said about it, and a page it stands in."""
    return {command: name for page in PAGES for name, command in _commands_of(page)}


def _commands_of(page: Path) -> list[tuple[str, str]]:
    blocks = re.findall(r"^ *```(sh|console)\n(.*?)^ *```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    shell = [text.replace("\\\n", " ") for kind, text in blocks if kind == "sh" and not text.startswith("#!")]
    typed = [re.sub(r"^\$ ", "", text, flags=re.MULTILINE) for kind, text in blocks if kind == "console"]
    lines = [line for text in (*shell, *typed) for line in text.splitlines()]
    name = str(page.relative_to(ROOT))
    return [(name, re.sub(r"\s+", " ", re.split(r"\s+# ", line)[0]).strip()) for line in lines if line.strip()]


COMMANDS = commands()
LISTED = {one for those in NOT_RUN.values() for one in those}
RUN = [command for command, page in COMMANDS.items() if not {command, page} & LISTED]


def of(start: str) -> list[str]:
    return [command for command in RUN if command.startswith(start)]


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    shutil.copy(HAPPY_CLIP, folder / FILM)
    (folder / FACE).write_bytes(jpeg())
    (folder / "voice.flac").write_bytes(wav(np.zeros(16_000), kind="FLAC"))
    return folder


def test_every_command_is_run_here_or_listed_with_a_reason() -> None:
    starts = ("make ", "curl ", "affectd config", ".venv-test/bin/", *(f"{name}/bin/" for name in LOCKS))
    assert [one for one in RUN if not one.startswith(starts)] == []
    assert LISTED - COMMANDS.keys() - set(COMMANDS.values()) == set()
    named = {place for reason in NOT_RUN for place in re.findall(r"(?:tests|deploy)/[\w/.]*\w", reason)}
    assert [place for place in named if not (ROOT / place).exists()] == []
    assert all(of(start) for start in starts)


def test_make_knows_the_targets() -> None:
    targets = [command.split()[1] for command in COMMANDS if command.startswith("make ")]
    assert run(["make", "--dry-run", *targets], cwd=ROOT).returncode == 0


def our_words(command: str) -> tuple[str, list[str]] | None:
    """The package whose command line it is, and its arguments; ``None`` for another's."""
    words = [word for word in shlex.split(command) if word != "sudo"]
    for at, word in enumerate(words[:3]):
        if (name := word.rpartition("/")[2]) in OURS:
            return OURS[name], words[at + 1 :]
    return None


@pytest.mark.parametrize("command", [one for one in COMMANDS if one not in RUN and our_words(one)])
def test_a_command_that_is_not_run_has_its_options(command: str) -> None:
    package, words = our_words(command) or ("", [])
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    for depth in (2, 1):  # an action of a command, or a command alone
        verbs = [word for word in words if not word.startswith("-")][:depth]
        done = run([sys.executable, "-m", package, *verbs, "--help"], cwd=ROOT)
        if done.returncode == 0 and all(option in done.stdout for option in options):
            return
    pytest.fail(f"{command}: {done.stderr or done.stdout}")


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


@pytest.mark.parametrize("command", [*of(".venv-test/"), *of("affectd config")])
def test_a_command_of_a_checkout_works(command: str) -> None:
    package, words = our_words(command) or ("", [])
    files = [str(path) for word in words for path in (sorted(ROOT.glob(word)) if "*" in word else [word])]
    done = run([sys.executable, "-m", package, *files], cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_curl_is_answered_by_a_server_of_its_environment(
    environments: Mapping[str, Path], media: Path, tmp_path: Path
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed; run: apt-get install curl")
    with serving(tmp_path, python=environments[".venv-server"] / "python") as server:
        for command in of("curl "):
            words = shlex.split(command.replace(LOCAL, server.url))
            answered = run([words[0], "--silent", "--show-error", "--fail", *words[1:]], cwd=media)
            assert answered.returncode == 0, answered.stderr
            assert "confidence" in answered.stdout  # JSON or a table


def test_the_python_client_of_the_api_page_works(media: Path, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.DOTALL)
    with serving(tmp_path) as server:
        done = run([sys.executable, "-c", code.replace(LOCAL, server.url), FACE], cwd=media)
    assert re.fullmatch(rf"{FACE} \w+ \d+%\n", done.stdout), done.stderr


def test_the_server_s_environment_has_what_its_other_commands_import(environments: Mapping[str, Path]) -> None:
    bin_folder = environments[".venv-server"]
    done = run([bin_folder / "python", "-c", f"import {IMPORTED_THERE}"], env=in_it(bin_folder))
    assert done.returncode == 0, done.stderr
