"""The TFLite runtime: ai-edge-litert or tflite-runtime, as ``[models] runtime`` names it, or the one that is there."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from device.errors import ModelError
from device.models.stderr import without_information

_IDENTIFIER = b"TFL3"
MODULES = {"ai-edge-litert": "ai_edge_litert.interpreter", "tflite-runtime": "tflite_runtime.interpreter"}
"""By the package's name, the first choice first: those of the settings, which a net is run without."""
_INSTALL = {
    "ai-edge-litert": "pip install 'affectd[device]'",
    "tflite-runtime": "pip install 'affectd[tflite]', which needs Python 3.11",
}


def open_interpreter(path: Path, runtime: str = "") -> Any:  # the runtimes ship no types
    """A single-threaded interpreter with its tensors allocated.

    ``runtime`` is the package that is wanted; empty: the first that is installed. One thread, because two are slower
    for nets of this size (2 threads: 8–16 ms instead of 2). Raises ``ModelError`` if the runtime is not there or the
    file is no model.
    """
    name, module = _chosen(runtime)
    _require_tflite(path)
    try:
        # With its default kernels (XNNPACK) litert gives the same numbers on x86 as on a Pi, within 1/256; without,
        # 1 % of faces get another label there. tflite-runtime has other kernels and differs as much from both.
        with without_information():
            interpreter = module.Interpreter(model_path=str(path), num_threads=1)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{path}: not a model that {name} can run ({error}); install the file again") from error
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


def runtime_name(runtime: str = "") -> str:
    """The package of the runtime in use, for ``info`` and reports. Raises ``ModelError`` if it cannot be used."""
    return _chosen(runtime)[0]


def _chosen(runtime: str) -> tuple[str, Any]:
    for name in [runtime] if runtime else MODULES:
        if (module := _module(name)) is not None:
            _require_its_numpy(name)
            return name, module
    if runtime:
        remedy = f"run: {_INSTALL[runtime]}" if runtime in _INSTALL else f"known are {', '.join(MODULES)}"
        raise ModelError(f"models.runtime = {runtime!r}: it is not installed; {remedy}; empty takes the one that is")
    raise ModelError(f"no TFLite runtime is installed; run: {', or '.join(_INSTALL.values())}")


def _module(name: str) -> Any | None:
    """``None`` if it is not installed."""
    try:
        return importlib.import_module(MODULES[name])
    except (KeyError, ModuleNotFoundError):
        return None


def _require_its_numpy(name: str) -> None:
    # Its last release was built for NumPy 1; under NumPy 2 it fails within, behind a page of NumPy's.
    if name == "tflite-runtime" and not np.__version__.startswith("1."):
        raise ModelError(
            f"tflite-runtime needs NumPy 1 and this is {np.__version__}; run: {_INSTALL['tflite-runtime']}, "
            "in an environment of its own"
        )
