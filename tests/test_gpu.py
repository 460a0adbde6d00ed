"""A GPU that does not start: `auto` goes on with the processor and says so everywhere, a named one is an error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from textwrap import dedent

import pytest
from processes import run
from server_process import ROOT, Running, affectd_server, jpeg, serving, write_config

pytestmark = pytest.mark.slow

REASON = "libcublasLt.so.13: cannot open shared object file: No such file or directory"
STAND_IN = r"""
    '''onnxruntime-gpu 1.31.1 as it was seen where NVIDIA's libraries are missing; the processor's is the real one.'''
    import os, sys
    own, folder = sys.modules.pop(__name__), os.path.dirname(os.path.dirname(__file__))
    sys.path.remove(folder)
    import onnxruntime as real
    sys.path.insert(0, folder)
    globals().update({name: getattr(real, name) for name in dir(real) if not name.startswith("__")})
    __version__ = real.__version__

    def get_available_providers():
        return ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]

    class InferenceSession(real.InferenceSession):
        def __init__(self, path, options=None, providers=None, enable_fallback=1):
            if providers[0] == "TensorrtExecutionProvider":
                raise RuntimeError("onnxruntime_pybind_state.cc:729 Please install TensorRT libraries as mentioned")
            if providers[0] == "CUDAExecutionProvider":
                os.write(2, b"\x1b[1;31m2026-11-30 15:25:32.8 [E:onnxruntime:Default, bridge.cc:2458 operator()] "
                    b"bridge.cc:2043 [ONNXRuntimeError] : 1 : FAIL : Failed to load library "
                    b"libonnxruntime_providers_cuda.so with error: REASON\n\x1b[m\n")
            super().__init__(path, options, providers=["CPUExecutionProvider"])

    sys.modules[__name__] = own
"""


def environment(folder: Path) -> dict[str, str]:
    package = folder / "onnxruntime"
    package.mkdir()
    (package / "__init__.py").write_text(dedent(STAND_IN).replace("REASON", REASON))
    return {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


@pytest.fixture(scope="module")
def without_gpu(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return environment(tmp_path_factory.mktemp("gpu"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, without_gpu: Mapping[str, str]) -> Iterator[Running]:
    before = ["env", *(f"{name}={value}" for name, value in without_gpu.items())]
    with serving(tmp_path_factory.mktemp("server"), before=before) as running:
        yield running


def test_auto_answers_by_the_processor_and_says_why(server: Running) -> None:
    with server.client() as client:
        answer = client.post("/v1/face", files={"picture": jpeg()}).json()
        about, metrics = client.get("/v1/server").json(), client.get("/metrics").text
    assert answer["models"]["runtime"].endswith(" CPUExecutionProvider")
    assert about["gpu_problem"].endswith(REASON)
    assert about["models"]["runtime"] == answer["models"]["runtime"]
    assert "\naffectd_gpu_fallback 1.0\n" in metrics


def test_the_log_has_one_warning_and_nothing_of_the_library_s_own(server: Running) -> None:
    told = [line for line in server.log.read_text().splitlines() if "libcublasLt" in line]
    assert len(told) == 1
    assert "the GPU does not start (Failed to load library" in told[0]
    assert "the processor runs the nets" in told[0]
    assert "onnxruntime:Default" not in server.log.read_text()


@pytest.mark.parametrize(("provider", "reason"), [("cuda", REASON), ("tensorrt", "Please install TensorRT libraries")])
def test_a_named_one_ends_the_server_with_the_reason(
    tmp_path: Path, without_gpu: Mapping[str, str], provider: str, reason: str
) -> None:
    config = write_config(tmp_path, engine={"provider": provider})
    ended = affectd_server("run", "--config", config, environment=without_gpu)
    assert (ended.returncode, ended.stderr.count("\n")) == (78, 1), ended.stderr
    assert f"engine.provider = '{provider}'" in ended.stderr
    assert reason in ended.stderr
    assert "choose 'cpu'" in ended.stderr


def test_the_measurement_that_waits_for_a_gpu_runs_on_the_processor(tmp_path: Path) -> None:
    figures = tmp_path / "gpu.json"
    command = [sys.executable, "-m", "desktop_server.bench.providers", "--provider", "cpu", "--json", figures]
    done = run([*command, "--sizes", "1", "3", "--runs", "2"])
    assert done.returncode == 0, done.stderr
    rows = json.loads(figures.read_text())["rows"]
    nets = {(row["net"], row["form"], row["size"]) for row in rows}
    assert {(form, size) for _, form, size in nets} == set(product(("float32", "float16", "int8"), (1, 3)))
    assert len({net for net, _, _ in nets}) == 2
    assert all(row["run_ms"] > 0 for row in rows)
    assert max(row["apart"] for row in rows if row["form"] == "float32") < 1e-5
    assert 0 < max(row["apart"] for row in rows if row["form"] == "float16") < 0.05
