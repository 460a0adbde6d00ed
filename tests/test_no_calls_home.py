"""Nobody is told that affectd runs: what it is made of asks for no name, and leaves nothing in the user's home."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import run
from resolver import Resolver, resolver
from server_process import HAPPY_CLIP, ROOT, jpeg, serving

pytestmark = pytest.mark.slow

OFF = {"ORT_DISABLE_TELEMETRY": "1", "RAY_USAGE_STATS_ENABLED": "0"}
IMPORTS = re.compile(r"^\s*(import|from) (onnxruntime|ray)\b", re.MULTILINE)


def importers() -> list[str]:
    """Every module of the project that imports one of those that would tell their makers."""
    sources = [path for room in ("device", "desktop_server", "quantize") for path in (ROOT / room).rglob("*.py")]
    found = [path for path in sources if IMPORTS.search(path.read_text(encoding="utf-8"))]
    return sorted(".".join(path.relative_to(ROOT).with_suffix("").parts) for path in found)


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resolver]:
    with resolver(tmp_path_factory.mktemp("resolver")) as running:
        yield running


def in_a_home(recorder: Resolver, home: Path) -> list[str]:
    home.mkdir()
    unset = [word for name in (*OFF, "XDG_CACHE_HOME", "XDG_CONFIG_HOME") for word in ("-u", name)]
    return [*recorder.before, "env", *unset, f"HOME={home}", f"PYTHONPATH={ROOT}"]


def left_in(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in home.rglob("*"))


def test_the_recording_resolver_records_queries(recorder: Resolver, tmp_path: Path) -> None:
    ask = "import socket; socket.getaddrinfo('somebody.example', 443)"
    asked = run([*in_a_home(recorder, tmp_path / "home"), sys.executable, "-c", ask])
    assert "gaierror" in asked.stderr
    assert "somebody.example" in recorder.asked
    recorder.asked.clear()


def test_it_is_off_whichever_part_of_affectd_is_imported_first() -> None:
    found = importers()
    assert {"desktop_server.inference.onnx", "quantize.conversion.export"} <= set(found)
    for package in {name.partition(".")[0] for name in found}:
        said = run([sys.executable, "-c", f"import {package}, os, json; print(json.dumps(dict(os.environ)))"], cwd=ROOT)
        assert OFF.items() <= json.loads(said.stdout).items(), package


def test_serving_resolves_no_name_and_writes_no_file(recorder: Resolver, tmp_path: Path) -> None:
    home = tmp_path / "home"
    with serving(tmp_path, before=in_a_home(recorder, home)) as server, server.client() as client:
        assert client.post("/v1/face?compare=true&explain=true", files={"picture": jpeg()}).status_code == 200
        assert client.post("/v1/fused", files={"video": HAPPY_CLIP.read_bytes()}).status_code == 200
    assert (left_in(home), recorder.asked) == ([], [])


def test_opening_a_float_net_resolves_no_name_and_writes_no_file(recorder: Resolver, tmp_path: Path) -> None:
    home = tmp_path / "home"
    opened = (
        "from desktop_server.inference.onnx import float_engine, float_models_folder; "
        "from device.readings import Modality; from device.models.sets import load_set; "
        "models = load_set(float_models_folder()); float_engine().load_net(models.card(Modality.FACE), models.folder); "
        "import quantize.conversion.export"
    )
    done = run([*in_a_home(recorder, home), sys.executable, "-c", opened])
    assert (done.returncode, done.stderr) == (0, "")
    assert (left_in(home), recorder.asked) == ([], [])
