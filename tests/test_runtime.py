"""Which TFLite runtime the appliance uses, and what an installation of the package is good for."""

import ast
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import metadata
from pathlib import Path

import pytest
from appliance import HAPPY_CLIP, affectd, looping
from broker import Listener, Mosquitto
from fakes import eventually
from perception import MODELS, detector
from processes import run, started

from device.config.settings import RUNTIMES
from device.errors import ModelError
from device.models.card import read_card
from device.models.runtime import MODULES, open_interpreter
from device.models.tflite import TfliteModel
from device.process.extras import EXTRAS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
OURS = ("device", "desktop_server", "quantize")
OTHER = "tflite-runtime"
BASE = {"cv2", "msgspec", "numpy", "paho", "python_speech_features", "rich", "soxr", "webrtcvad"}
"""As the libraries are imported that every installation has."""
FOR_TYPES = {"_typeshed"}
OF_THE_SYSTEM = {"libcamera", "picamera2"}
"""What only the distribution has; the camera's own error says how to get it."""
PEERS = {"fer"}
"""What affectd is measured against, in an environment of its own."""


@dataclass(frozen=True)
class Installation:
    """An environment with affectd in it, called from a folder in which no sources lie."""

    python: Path
    folder: Path

    def affectd(self, *arguments: str | Path) -> "tuple[int, str, str]":
        command = [self.python.with_name("affectd"), *arguments]
        done = run(command, cwd=self.folder, env=without_python_settings())
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout, done.stderr


def without_python_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """What `pip install 'affectd[tflite,replay]'` makes of an empty environment."""
    if sys.version_info >= (3, 12):
        pytest.skip("tflite-runtime has no wheels above Python 3.11")
    detector()  # or skip: its file is not in the repository
    folder = tmp_path_factory.mktemp("installation")
    pip = ["-m", "pip", "--disable-pip-version-check"]
    download = ["download", "--no-deps", "--dest", folder, f"{OTHER}==2.14.0"]
    reachable = run([sys.executable, *pip, *download], timeout_s=600)
    if reachable.returncode:
        pytest.skip("pip reaches no registry that has tflite-runtime")
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir", folder]
    run([sys.executable, *pip, "wheel", *options, ROOT], timeout_s=600, check=True)
    (wheel,) = folder.glob("affectd-*.whl")
    run([sys.executable, "-m", "venv", folder / "environment"], timeout_s=600, check=True)
    python = folder / "environment" / "bin" / "python"
    run([python, *pip, "install", f"{wheel}[tflite,replay]"], timeout_s=600, check=True, env=without_python_settings())
    return Installation(python, folder)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with Mosquitto(folder) as broker:
        yield broker


def test_the_extra_of_the_other_runtime_makes_a_whole_appliance(
    whole: Installation, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    code, lines, _ = whole.affectd("replay", HAPPY_CLIP, "--json")
    assert (code, json.loads(lines.splitlines()[-1])["label"]) == (0, "happy")
    assert whole.affectd("replay", HAPPY_CLIP)[0] == 0, "and the table of the clips"
    config = looping(tmp_path, mosquitto, models={"runtime": OTHER})
    command = [whole.python.with_name("affectd"), "run", "--config", config]
    with (
        Listener(mosquitto.port) as house,
        started(command, cwd=whole.folder, env=without_python_settings()),
    ):
        eventually(lambda: bool(house.json("affectd/test/state")), 60)
        assert house.json("affectd/test/info")[-1]["runtime"] == OTHER
    examined = whole.affectd("doctor", "--config", config)[1]
    assert f"ok    runtime         {OTHER}" in examined
    assert "FAIL  libraries" not in examined
    assert 'runtime = "tflite-runtime"' in whole.affectd("config", "show", "--config", config)[1]
    assert whole.affectd("config", "check", "--config", config)[:2] == (0, "ok\n")
    code, devices, _ = whole.affectd("devices")
    assert code == 0
    assert "sounddevice" not in devices, "it is there"
    code, verified, _ = whole.affectd("models", "verify")
    assert code == 0
    assert verified.endswith(f"load in {OTHER}\n")


def test_the_runtime_that_is_not_in_an_installation_is_refused_there(whole: Installation, tmp_path: Path) -> None:
    config = tmp_path / "affectd.toml"
    config.write_text('[models]\nruntime = "ai-edge-litert"\n')
    for command in ("run", "config check"):
        code, _, said = whole.affectd(*command.split(), "--config", config)
        assert (code, said.count("\n")) == (78, 1)
        assert "models.runtime = 'ai-edge-litert': it is not installed; run: pip install 'affectd[device]'" in said


def test_a_set_that_was_packed_with_one_runtime_is_installed_under_the_other(
    whole: Installation, packed: Path, tmp_path: Path
) -> None:
    command = [whole.python.with_name("affectd"), "models", "install", packed, "--keys", packed.parent / "keys"]
    environment = {**without_python_settings(), "AFFECTD_INSTALLED_MODELS": str(tmp_path / "installed")}
    done = run(command, cwd=whole.folder, env=environment)
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    assert "model set 'affectd-1' is active" in done.stdout


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    detector()
    (tmp_path / "keys").mkdir()
    key = tmp_path / "owner.key"
    made = run(["minisign", "-G", "-W", "-s", key, "-p", tmp_path / "keys" / "owner.pub"])
    assert made.returncode == 0, made.stderr
    file = tmp_path / "set.models.tar"
    done = affectd("models", "pack", "affectd-1", "--key", key, "--out", file)
    assert done.returncode == 0, done.stderr
    return file


@pytest.mark.parametrize("command", ["run", "config check", "models verify", "doctor"])
def test_a_named_runtime_that_is_not_installed_is_said_with_what_to_install(tmp_path: Path, command: str) -> None:
    config = tmp_path / "affectd.toml"
    config.write_text(f'[models]\nruntime = "{OTHER}"\n[node]\nstate_dir = "{tmp_path}"\nmode = "face"\n')
    done = affectd(*command.split(), "--config", config)
    assert done.returncode == (1 if command == "doctor" else 78)
    assert f"models.runtime = {OTHER!r}: it is not installed" in done.stdout + done.stderr
    assert "pip install 'affectd[tflite]'" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_replay_can_be_asked_for_the_runtime_too() -> None:
    assert affectd("replay", HAPPY_CLIP, "--json", "--runtime", "ai-edge-litert").returncode == 0
    refused = affectd("replay", HAPPY_CLIP, "--json", "--runtime", OTHER)
    assert (refused.returncode, refused.stderr.count("\n")) == (78, 1)


def test_a_runtime_that_nobody_knows_is_refused_by_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "affectd.toml"
    config.write_text('[models]\nruntime = "tflite"\n')
    said = affectd("config", "check", "--config", config).stderr
    assert "models.runtime = 'tflite'" in said
    assert "known are '', 'ai-edge-litert', 'tflite-runtime'" in said


def test_a_model_that_was_made_for_the_other_runtime_alone_is_refused() -> None:
    card = replace(read_card(MODELS / "baseline-face.json"), runtimes=(OTHER,))
    with pytest.raises(ModelError, match=f"made for {OTHER}, and ai-edge-litert runs here"):
        TfliteModel(card, MODELS)


def test_a_runtime_that_nobody_made_is_named() -> None:
    with pytest.raises(ModelError, match="'abacus': it is not installed; known are ai-edge-litert, tflite-runtime"):
        open_interpreter(MODELS / "baseline-face.tflite", runtime="abacus")


# What is not installed

MISSING = [
    ("device", f"replay {HAPPY_CLIP}", "ai_edge_litert", "no TFLite runtime is installed; run: pip install"),
    ("device", "models verify", "ai_edge_litert", "pip install 'affectd[device]'"),
    ("device", f"replay {HAPPY_CLIP}", "av", "affectd[replay]"),
    ("desktop_server", "run", "fastapi", "pip install 'affectd[server]'"),
    ("desktop_server", "token list", "pydantic", "pip install 'affectd[server]'"),
    ("desktop_server", "model-repository nowhere", "onnxruntime", "pip install 'affectd[server]'"),
    ("desktop_server", f"compare {HAPPY_CLIP}", "matplotlib", "pip install 'affectd[compare]'"),
    ("desktop_server", "scale-out", "ray", "pip install 'affectd[scale]'"),
    ("quantize", "--help", "soundfile", "pip install 'affectd[quantize]'"),
    ("quantize", "train baseline-face --root nowhere", "scipy", "pip install 'affectd[quantize]'"),
]


@pytest.mark.parametrize(("program", "command", "library", "said"), MISSING)
def test_a_library_that_is_missing_is_named_with_what_to_install(
    program: str, command: str, library: str, said: str, tmp_path: Path
) -> None:
    code = f"""
import runpy, sys
for name in {[library, *(["tflite_runtime"] if library == "ai_edge_litert" else [])]}:
    sys.modules[name] = None
sys.argv = {[program, *command.split()]}
runpy.run_module({program!r}, run_name="__main__")
"""
    done = run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "STATE_DIRECTORY": str(tmp_path)})
    assert done.returncode in (1, 78)
    assert said in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_every_library_that_is_imported_is_one_of_the_package_or_of_an_extra() -> None:
    found = {library for folder in OURS for path in (ROOT / folder).rglob("*.py") for library in imported(path)}
    known = {library for libraries in EXTRAS.values() for library in libraries}
    assert found - set(sys.stdlib_module_names) - set(OURS) - BASE - FOR_TYPES - OF_THE_SYSTEM - PEERS <= known
    assert set(EXTRAS) <= set(metadata("affectd").get_all("Provides-Extra", []))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_the_settings_offer_the_runtimes_that_nets_are_run_by() -> None:
    assert tuple(MODULES) == RUNTIMES
