"""Import check of the libraries: built for this Python, for each other, and all there."""

from __future__ import annotations

import io
import re
from contextlib import redirect_stderr
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from device.errors import AffectdError

_NEEDED = ("numpy", "cv2", "soxr", "webrtcvad", "msgspec", "paho.mqtt.client", "rich")
_RUNTIMES = ("ai_edge_litert", "tflite_runtime")
_ABI_WORDS = re.compile(
    r"compiled (using|against)|binary incompat|_ARRAY_API|multiarray failed|numpy\.core", re.IGNORECASE
)


def check_libraries() -> str:
    """Import each library. Raises ``AffectdError`` for the first that fails, with NumPy's mismatch told from a gap."""
    for name in [*_NEEDED, *(f"{runtime}.interpreter" for runtime in _RUNTIMES if find_spec(runtime))]:
        _import(name)
    return f"numpy {version('numpy')}, all {len(_NEEDED)} can be used"


def _import(name: str) -> None:
    grumble = io.StringIO()  # NumPy writes a page about a module of another ABI; the error says it in a line
    try:
        with redirect_stderr(grumble):
            import_module(name)
    except Exception as error:  # whatever an extension raises while it is loaded: ImportError, RuntimeError, ValueError
        raise AffectdError(_fault(name, f"{error} {grumble.getvalue()}", error)) from error


def _fault(name: str, everything: str, error: Exception) -> str:
    reason = str(error).partition("\n")[0]
    if name != "numpy" and _ABI_WORDS.search(everything):
        return (
            f"{name} was built for another NumPy than {_numpy_version()} ({reason}); take both from one place: on "
            "Raspberry Pi OS remove numpy and opencv-python-headless from the environment with pip, so that apt's "
            "python3-numpy and python3-opencv are used"
        )
    return f"{name} cannot be used ({reason}); install affectd again, with the Python that runs it"


def _numpy_version() -> str:
    try:
        return version("numpy")
    except PackageNotFoundError:
        return "the one here"
