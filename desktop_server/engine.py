"""Float nets in ONNX Runtime, on the processor or a GPU: the one thing in which the desktop differs from the Pi."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime

from device.errors import ConfigError, ModelError
from device.models.card import Card, verify_file
from device.models.net import Engine, FloatArray, Net
from device.models.tflite import TfliteModel

SUFFIX = ".onnx"

Provider = Literal["auto", "cpu", "cuda", "tensorrt"]
"""What runs the nets; ``auto`` is the best that this machine has."""

_NAMES = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
_TYPES = {"float32": "tensor(float)"}
"""ONNX Runtime's name of what cards call it."""
_BEST_FIRST = ("cuda", "cpu")
"""Not TensorRT: it builds its engines for minutes at the first start, so it must be asked for."""


class OnnxNet:
    """A verified float model, for one sample or many at once. ONNX Runtime lets several threads share one.

    Calling it takes a float32 array of the card's input shape without the batch, as ``TfliteModel`` does. Raises
    ``ModelError`` at construction if hash, shapes or types are not the card's, ``ConfigError`` for a provider that
    is not there.
    """

    def __init__(self, card: Card, folder: Path, *, provider: Provider = "auto", threads: int = 1) -> None:
        self.card = card
        self._session = _session(verify_file(card, folder), provider, threads)
        _require_same(card, self._session)
        self._input = self._session.get_inputs()[0].name

    @property
    def provider(self) -> str:
        """What runs it, by ONNX Runtime's own name."""
        return str(self._session.get_providers()[0])

    def __call__(self, values: FloatArray) -> tuple[FloatArray, ...]:
        """Run the net once, on one sample."""
        return tuple(output[0] for output in self.batch(values.reshape(self.card.input.shape)))

    def batch(self, values: FloatArray) -> tuple[FloatArray, ...]:
        """Run the net once, on many samples: float32 (n, …) to one float32 (n, …) an output."""
        return tuple(np.asarray(o, dtype=np.float32) for o in self._session.run(None, {self._input: values}))


def float_engine(provider: Provider = "auto", *, threads: int = 1, runtime: str = "") -> Engine:
    """The engine of the desktop: float emotion nets; faces are found by the same float net as on the Pi.

    ``runtime`` is the TFLite runtime of that one. Raises ``ConfigError`` if the provider is not there.
    """
    name = chosen_provider(provider)
    return Engine(
        name=lambda: f"onnxruntime {onnxruntime.__version__} {name}",
        folder=models_folder,
        open_net=partial(open_net, provider=provider, threads=threads, runtime=runtime),
    )


def open_net(card: Card, folder: Path, *, provider: Provider = "auto", threads: int = 1, runtime: str = "") -> Net:
    """A card's net, by what its file is for."""
    if not card.file.endswith(SUFFIX):
        return TfliteModel(card, folder, runtime=runtime)
    return OnnxNet(card, folder, provider=provider, threads=threads)


def models_folder(chosen: str = "", _name: str = "") -> Path:
    """The chosen folder of float models or (running from a checkout) the repository's, or the installed one.

    All sets lie in one folder: those that are installed on a node have no float twins.
    """
    if chosen:
        return Path(chosen)
    checkout = Path(__file__).resolve().parent / "models"
    return checkout if checkout.is_dir() else Path(sys.prefix) / "share" / "affectd" / "models_float"


def chosen_provider(provider: Provider) -> str:
    """ONNX Runtime's name of what will run the nets. Raises ``ConfigError`` for one that is not there."""
    there: Sequence[str] = onnxruntime.get_available_providers()
    if provider == "auto":
        return next(_NAMES[name] for name in _BEST_FIRST if _NAMES[name] in there)
    if _NAMES[provider] not in there:
        raise ConfigError(
            f"engine.provider = {provider!r}: this ONNX Runtime has {', '.join(there)}; install onnxruntime-gpu "
            "and the GPU's libraries, or choose 'cpu'"
        )
    return _NAMES[provider]


def _session(path: Path, provider: Provider, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors; they are raised, too
    wanted = chosen_provider(provider)
    session = _opened(path, lambda: onnxruntime.InferenceSession(str(path), options, providers=[wanted]))
    if session.get_providers()[0] != wanted:  # ONNX Runtime falls back without a word
        raise ConfigError(
            f"engine.provider = {provider!r}: {wanted} is installed but does not start here; is there a GPU with its "
            "driver and libraries? choose 'cpu' to go without"
        )
    return session


def _opened(path: Path, open_it: Callable[[], Any]) -> Any:
    try:
        return open_it()
    except Exception as error:  # ONNX Runtime's own errors share no base class
        reason = str(error).splitlines()[0]
        raise ModelError(f"{path}: not a model that ONNX Runtime can run ({reason}); install the file again") from error


def _require_same(card: Card, session: Any) -> None:
    found = [(_sample_shape(end.shape), end.type) for end in (*session.get_inputs(), *session.get_outputs())]
    told = [
        (spec.shape[1:], f"tensor({spec.dtype.replace('float32', 'float')})") for spec in (card.input, *card.outputs)
    ]
    if found != told:
        raise ModelError(f"model {card.id}: the file has {found}, the card says {told}; install the model again")


def _sample_shape(shape: Sequence[int | str]) -> tuple[int | str, ...]:
    return tuple(shape[1:])
