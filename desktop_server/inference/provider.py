"""Execution providers of ONNX Runtime: a GPU where one starts, else the processor."""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import IO, Any, Literal

import onnxruntime

from device.errors import ConfigError
from device.models.stderr import standard_error_to

Provider = Literal["auto", "cpu", "cuda", "tensorrt"]
"""What a user may name; ``auto`` is the best that starts on this machine."""

CPU = "CPUExecutionProvider"
_NAMES = {"cpu": CPU, "cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
"""By ONNX Runtime's own names."""
_GPU_OF_AUTO: Provider = "cuda"
"""Not TensorRT: it builds its engines for minutes at the first start, so it must be asked for."""
_NATIVE_ERROR = re.compile(r"\[E:[^\]]*\]\s*(.+)")
_TERMINAL_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Started:
    """A provider that runs nets here.

    ``name`` is ONNX Runtime's; ``gpu_problem`` says why ``auto`` runs on the processor although this ONNX Runtime is
    made for GPUs, and is empty where it does not.
    """

    name: str
    gpu_problem: str = ""


def start(provider: Provider, probe: Callable[[], Path]) -> Started:
    """What will run the nets; a GPU is tried with the net (.onnx) that ``probe`` gives.

    ``auto`` goes on with the processor where the GPU does not start, and warns. Raises ``ConfigError`` for a named
    one that is not installed or does not start.
    """
    if provider == "auto":
        return _best(probe)
    _require_installed(provider)
    if provider != "cpu" and (problem := _problem(_NAMES[provider], probe())):
        raise ConfigError(
            f"engine.provider = {provider!r}: {_NAMES[provider]} is installed but does not start here ({problem}); is "
            "there a GPU with its driver and libraries? choose 'cpu' to go without"
        )
    return Started(_NAMES[provider])


def open_session(path: Path, name: str, *, threads: int = 1) -> Any:
    """A session of ONNX Runtime on the provider of that name and no other, or whatever ONNX Runtime raises."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors; they are raised, too
    # Without its fallback: it would go on with the processor and say so on standard output.
    return onnxruntime.InferenceSession(str(path), options, providers=[name], enable_fallback=0)


def _best(probe: Callable[[], Path]) -> Started:
    name = _NAMES[_GPU_OF_AUTO]
    if name not in _installed():
        return Started(CPU)
    problem = _problem(name, probe())
    if not problem:
        return Started(name)
    _log.warning("the GPU does not start (%s); the processor runs the nets", problem)
    return Started(CPU, problem)


def _installed() -> Sequence[str]:
    found: Sequence[str] = onnxruntime.get_available_providers()
    return found


def _require_installed(provider: Provider) -> None:
    if _NAMES[provider] not in _installed():
        raise ConfigError(
            f"engine.provider = {provider!r}: this ONNX Runtime has {', '.join(_installed())}; install affectd[gpu] in "
            "the place of affectd[server] and the GPU's driver, or choose 'cpu'"
        )


def _problem(name: str, probe: Path) -> str:
    """Why this provider does not run a net here; empty if it does."""
    with tempfile.TemporaryFile("w+", errors="replace") as stderr, standard_error_to(stderr):
        return _found_problem(name, probe, lambda: _text(stderr))


def _found_problem(name: str, probe: Path, native: Callable[[], str]) -> str:
    try:
        _load_libraries()
        session = open_session(probe, name)
    except Exception as error:  # ONNX Runtime's own errors share no base class
        return _reason(native(), str(error))
    # ONNX Runtime falls back without a word where the provider's library does not load.
    return "" if session.get_providers()[0] == name else _reason(native(), "")


def _load_libraries() -> None:
    """NVIDIA's, where pip installed them: nobody else would find them there."""
    with redirect_stdout(StringIO()), suppress(OSError, RuntimeError):
        onnxruntime.preload_dlls()


def _reason(native: str, raised: str) -> str:
    """The cause in one line: what the native code wrote to standard error, else what was raised."""
    found = _NATIVE_ERROR.search(_TERMINAL_COLOUR.sub("", native))
    line = found.group(1) if found else (raised.strip().splitlines() or ["without a reason"])[0]
    return line.rpartition("FAIL : ")[2].strip()


def _text(file: IO[str]) -> str:
    file.seek(0)
    return file.read()
