"""Extras of the package: which one brings a library that not every variant needs."""

from __future__ import annotations

from device.errors import ConfigError

EXTRAS = {
    "device": ("ai_edge_litert", "sounddevice"),
    "tflite": ("tflite_runtime",),
    "pi": ("systemd",),
    "replay": ("av",),
    "server": (
        "PIL", "fastapi", "httptools", "markdown_it", "onnxruntime", "prometheus_client", "pydantic",
        "pydantic_core", "python_multipart", "starlette", "uvicorn", "uvloop", "websockets",
    ),
    "compare": ("jinja2", "markupsafe", "matplotlib", "scipy", "soundfile"),
    "scale": ("ray",),
    "quantize": ("flatbuffers", "onnx", "tensorflow", "tensorflow_model_optimization", "tf2onnx", "tf_keras"),
    "demo": ("amqtt",),
}  # fmt: skip
"""Each extra's libraries, as they are imported. What another extra brings along stands at that one alone."""


class MissingLibrary(ConfigError):
    """A library that the command needs and nobody installed."""


def missing_library(error: ModuleNotFoundError, *, extra: str = "") -> MissingLibrary | None:
    """The error for people, with what to install: ``extra``, or the one that brings the library.

    ``None`` if the library is nobody's extra, which is a fault of the program and not of the installation.
    """
    library = (error.name or "").partition(".")[0]
    brings = next((name for name, libraries in EXTRAS.items() if library in libraries), "")
    if not brings:
        return None
    install = f"pip install 'affectd[{extra or brings}]'"
    return MissingLibrary(f"this needs {library}, which is not installed; run: {install}")
