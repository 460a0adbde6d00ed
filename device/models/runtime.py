"""The TFLite runtime that is installed: ai-edge-litert by default, tflite-runtime where the user chose it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from device.errors import ModelError

_IDENTIFIER = b"TFL3"
_RUNTIMES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")


def open_interpreter(path: Path, runtime: str | None = None) -> Any:  # the runtimes ship no types
    """A single-threaded interpreter with its tensors allocated.

    ``runtime`` forces one of the two modules by its package name. One thread, because two are slower for nets of
    this size (2 threads: 8–16 ms instead of 2). Raises ``ModelError`` if no runtime is there or the file is no model.
    """
    module = _runtime_module(runtime)
    _require_tflite(path)
    try:
        # With its default kernels (XNNPACK) litert gives the same numbers on x86 as on a Pi, within 1/256; without,
        # 1 % of faces get another label there. tflite-runtime has other kernels and differs as much from both.
        interpreter = module.Interpreter(model_path=str(path), num_threads=1)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(
            f"{path}: not a model that {module.__name__} can run ({error}); install the file again"
        ) from error
    return interpreter


def _require_tflite(path: Path) -> None:
    # The runtime takes the process down with it when it is given an empty file.
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise ModelError(f"{path}: cannot read the model file ({error.strerror}); install it again") from error
    if head[4:] != _IDENTIFIER:
        raise ModelError(f"{path}: not a model but something else; install the file again")


def runtime_name(runtime: str | None = None) -> str:
    """The package of the runtime in use, for ``info`` and reports."""
    return str(_runtime_module(runtime).__name__).split(".")[0]


def _runtime_module(runtime: str | None) -> Any:
    wanted = [name for name in _RUNTIMES if runtime is None or name.startswith(runtime + ".")]
    for name in wanted:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    if runtime is not None:
        raise ModelError(f"the TFLite runtime {runtime!r} is not installed; choose one of those of the model's card")
    raise ModelError(
        "no TFLite runtime is installed; run: pip install 'affectd[device]' (or 'affectd[tflite]' on Python 3.11)"
    )
